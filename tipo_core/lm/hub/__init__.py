"""Models by name: the catalogue of published ones, downloads, and models on disk."""
