"""Set-up: the environment, ComfyUI, its front ends, a browser, the demo's checkpoint."""
