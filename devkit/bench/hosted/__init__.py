"""Programs that benchmarks run in ComfyUI's Python, without this checkout on its path."""
