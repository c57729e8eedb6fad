"""Measures of small TIPO models: form, content, variety, perplexity and safety."""
