"""The model: config, Llama, mixture of experts, key and value caches, precision."""
