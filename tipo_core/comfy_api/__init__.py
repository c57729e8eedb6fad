"""ComfyUI's HTTP API and its graphs in API form, without ComfyUI."""
