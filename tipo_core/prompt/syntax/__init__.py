"""Lossless syntax of image prompts: spans, brackets, weights, and names with qualifiers."""
