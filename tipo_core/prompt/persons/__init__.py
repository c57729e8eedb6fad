"""Persons of a prompt: whom a text mentions, how many of which sex, and what it denies."""
