"""A ComfyUI server: started, followed over its websocket, stopped."""
