"""Tokenizers: text to token ids and back, built from a model's own files."""
