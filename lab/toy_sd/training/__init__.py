"""The training stages of toy-sd; each continues after a stop."""
