"""Nodes for text: expansion, single tasks, options, bans, splitting, templates."""
