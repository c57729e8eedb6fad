"""The picture half without ComfyUI: layer counts, VAE files, reports, image files with metadata."""
