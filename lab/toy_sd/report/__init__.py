"""Measures of toy-sd: a reader of its pictures, tables, charts, and what expansion does."""
