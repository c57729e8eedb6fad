"""Training samples of tipo-nano: tag sets, captions and metadata that belong together."""
