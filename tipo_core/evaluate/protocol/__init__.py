"""TIPO's published protocol on a ComfyUI server: pictures with and without TIPO, and measures."""
