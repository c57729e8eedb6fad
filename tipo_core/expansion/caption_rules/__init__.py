"""Captions by rules: sentences that say what the tags of a prompt show."""
