"""Nodes on text: expansion, single tasks, options, bans, splitting, templates."""
