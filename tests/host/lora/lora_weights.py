"""Small LoRAs for toy-sd, under the names that A1111's trainers write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

# Layers of toy-sd and of CLIP-L: (rows, columns) of the weight.
_IN_MODEL = {
    f"lora_unet_input_blocks_1_1_transformer_blocks_0_{layer}": shape
    for layer, shape in {
        "attn1_to_q": (320, 320),
        "attn2_to_k": (320, 768),
        "attn2_to_v": (320, 768),
        "attn2_to_out_0": (320, 320),
    }.items()
}
_IN_CLIP = {
    f"lora_te_text_model_encoder_layers_{layer}_mlp_fc1": (3072, 768) for layer in (0, 5, 11)
}
RANK = 4
# Tensors of a file: two factors and alpha for each layer.
KEYS_IN_MODEL, KEYS_IN_CLIP = 3 * len(_IN_MODEL), 3 * len(_IN_CLIP)


def lora(seed: int, prefix: str = "", *, has_clip: bool = True) -> dict[str, torch.Tensor]:
    """The tensors of a random LoRA; with a prefix its layers are those of no model."""
    random = torch.Generator().manual_seed(seed)
    tensors = {}
    layers = _IN_MODEL | (_IN_CLIP if has_clip else {})
    for name, (rows, columns) in layers.items():
        up = torch.randn(rows, RANK, generator=random) * 0.2
        down = torch.randn(RANK, columns, generator=random) * 0.2
        tensors[f"{prefix}{name}.lora_up.weight"] = up
        tensors[f"{prefix}{name}.lora_down.weight"] = down
        tensors[f"{prefix}{name}.alpha"] = torch.tensor(float(RANK))
    return tensors


def save_lora(
    path: Path, tensors: dict[str, torch.Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, dict(metadata) if metadata else None)
