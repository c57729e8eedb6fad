"""Sampling as plain numbers: denoise, guidance, the sweep of values, and its grid."""
