"""Knowledge of tags: categories, canonical forms, name lists and the block list."""
