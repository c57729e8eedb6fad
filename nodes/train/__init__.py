"""Nodes that train a diffusion model on pictures of a subject (DreamBooth)."""
