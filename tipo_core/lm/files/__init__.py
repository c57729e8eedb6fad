"""Model files: safetensors and GGUF tensors, and the loader that fills a model with them."""
