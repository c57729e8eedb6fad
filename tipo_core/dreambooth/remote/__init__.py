"""A DreamBooth training on a ComfyUI server, from the command line.

- `commands`: the options of `python -m tipo_core dreambooth`, and the run
- `picture_upload`: pictures and captions in the server's input folder
- `training_graph`: the pack's graph with the options
- `progress_lines`: the progress on a terminal
"""
