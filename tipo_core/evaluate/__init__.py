"""Measures of text and of pictures."""
