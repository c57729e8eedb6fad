"""Models by name.

- `catalog`: the published models, the models on disk, and the menu of both.
- `download`: downloads from the Hugging Face hub.
- `local_model`: loads a model by name or path, for the library and the command line.
"""
