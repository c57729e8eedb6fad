"""toy-sd: a tiny text-to-image model in SD1.x format, trained on drawings whose parts are named."""
