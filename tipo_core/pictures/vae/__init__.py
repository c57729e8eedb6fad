"""VAEs without ComfyUI: files and folders, precision, tiling, row strips, masks."""
