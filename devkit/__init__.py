"""The work behind dev.py: set-up, the host, the demo, the checks. Not part of the shipped pack."""
