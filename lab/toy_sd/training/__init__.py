"""The training stages of toy-sd, which go on from where they were stopped."""
