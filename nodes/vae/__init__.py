"""Nodes on VAEs: load, decode, encode."""
