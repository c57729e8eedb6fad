"""Prompts as tokens, in ComfyUI's syntax and in A1111's, with embeddings."""
