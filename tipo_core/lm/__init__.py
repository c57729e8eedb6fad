"""Language models: files in, token ids inside, text out. Knows nothing of tags."""
