"""Layers of a host's model that are trained, or that gradients pass through.

- `frozen_layers`: a layer whose weights stay the host's and are read anew for the backward pass
- `lora_adapters`: a low-rank change of a linear or convolution layer
- `lora_targets`: which layers of a model get one
- `lora_file_keys`: the keys of LoRA files: ComfyUI's, kohya's
- `owned_weights`: fp32 copies of a layer's weights, for training in full
"""
