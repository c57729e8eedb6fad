"""Splits a mixed prompt into its tags and its captions."""
