"""The set-up: .venv, ComfyUI, its base folder, the browser tests' front ends.

All modules but `make_checkpoint` use the standard library alone: they run before .venv exists.
"""
