"""The commands demo, run, serve and test of dev.py."""
