"""Nodes of other packs: their replacements on newer ComfyUI, and the conversion of a workflow."""
