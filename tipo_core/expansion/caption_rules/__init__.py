"""Captions by rules: sentences about the tags of a prompt."""
