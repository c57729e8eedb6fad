"""Nodes that draw one graph with many values: sweep, its models, its grid."""
