"""The splitting of tags and captions, measured on prompts whose sides are known."""
