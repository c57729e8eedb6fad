"""Pictures in the terminal: what the terminal can show, and the encodings."""
