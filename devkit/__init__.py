"""The commands of dev.py and their set-up. Not part of the shipped pack.

- `cli`: parses the command line, does the set-up, calls the command
- `messages`: progress, timed steps and errors on stderr
- `commands`: a file per command
- `setup`: .venv, ComfyUI and its base folder
- `server`: a ComfyUI server, and graphs that run on it
- `generate`: files that follow from the nodes and the workflow templates
- `bench`: benchmarks
"""
