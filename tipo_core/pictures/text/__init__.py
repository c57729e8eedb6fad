"""Text encoding as plain numbers: clip skip, token weights, prompts that change over time."""
