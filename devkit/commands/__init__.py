"""The commands of dev.py, one file each (serve and host share one)."""
