"""The library of TIPO Suite: prompt text, expansion and language models, without ComfyUI."""
