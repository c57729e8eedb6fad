"""Pictures in the terminal: its abilities, and the encodings."""
