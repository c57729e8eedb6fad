"""Fast matrix products on a CPU: fp16 and int8 linear layers, embedding bags."""
