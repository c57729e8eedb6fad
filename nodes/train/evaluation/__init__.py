"""DreamBooth Evaluate: pictures of a taught subject, measured."""
