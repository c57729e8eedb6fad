"""Nodes for VAEs: load, decode, encode."""
