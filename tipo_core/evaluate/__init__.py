"""Measures of text; measures of pictures come beside them."""
