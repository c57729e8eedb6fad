"""Nodes of the pictures that a training uses: the subject's, and those of its class."""
