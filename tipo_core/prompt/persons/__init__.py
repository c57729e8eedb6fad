"""Persons of a prompt: what a text mentions, and how many of which sex that makes."""
