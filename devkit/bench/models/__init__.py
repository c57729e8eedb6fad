"""Random models in the published sizes, and their files."""
