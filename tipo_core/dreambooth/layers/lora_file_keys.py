"""The keys of a LoRA file: those of ComfyUI's own training node, and those of kohya's scripts.

Layers have ComfyUI's names: `diffusion_model.input_blocks.1.1.proj_in` in a diffusion model,
`clip_l.transformer.text_model.encoder.layers.0.mlp.fc1` in text encoders. Kohya's keys follow the
names of diffusers for SD1.x and SD2.x, and ComfyUI's for all others, with underscores; A1111,
Forge, diffusers and ComfyUI read them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch

UNET = "diffusion_model."
_TEXT = "text_encoders."
_ENCODERS = ("clip_l", "clip_g", "t5xxl")
_RESIDUAL = {
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}


def adapter_tensors(down: torch.Tensor, up: torch.Tensor, alpha: float) -> dict[str, torch.Tensor]:
    """Return the tensors of a LoRA layer by the ends of their keys."""
    return {"lora_down.weight": down, "lora_up.weight": up, "alpha": torch.tensor(alpha)}


def comfy_name(layer: str) -> str:
    """Return the key of a layer in a LORA_MODEL of ComfyUI, without its end."""
    return layer if layer.startswith(UNET) else _TEXT + layer


def kohya_names(layers: list[str], blocks_per_level: int | None) -> dict[str, str]:
    """Return kohya's key of each layer, without its end.

    `blocks_per_level` is the number of residual blocks of a level of SD1.x or SD2.x (2), None for
    other models, whose keys have ComfyUI's names.
    """
    encoders = {layer.partition(".")[0] for layer in layers if not layer.startswith(UNET)}
    # SDXL has two encoders. A model with one has no number, whatever part of it is trained.
    is_single = blocks_per_level is not None
    names = {}
    for layer in layers:
        if layer.startswith(UNET):
            name = layer.removeprefix(UNET)
            if blocks_per_level is not None:
                name = diffusers_name(name, blocks_per_level)
            names[layer] = f"lora_unet_{name.replace('.', '_')}"
            continue
        encoder, _, rest = layer.partition(".")
        number = "" if is_single else str(_encoder_number(encoder, encoders))
        rest = rest.removeprefix("transformer.").replace(".", "_")
        names[layer] = f"lora_te{number}_{rest}"
    return names


def _encoder_number(encoder: str, encoders: set[str]) -> int:
    known = [name for name in _ENCODERS if name == encoder]
    return _ENCODERS.index(known[0]) + 1 if known else sorted(encoders).index(encoder) + 1


def diffusers_name(name: str, blocks_per_level: int) -> str:
    """Return diffusers' name of a layer of an SD1.x or SD2.x UNet; unknown names stay."""
    if found := re.match(r"(input|output)_blocks\.(\d+)\.(\d+)\.(.+)", name):
        side, block, place, rest = found[1], int(found[2]), int(found[3]), found[4]
        if side == "input":
            return _input_name(block, place, rest, blocks_per_level)
        return _output_name(block, place, rest, blocks_per_level)
    if name == "input_blocks.0.0":
        return "conv_in"
    if found := re.match(r"middle_block\.(\d+)\.(.+)", name):
        place, rest = int(found[1]), found[2]
        if place == 1:
            return f"mid_block.attentions.0.{rest}"
        return f"mid_block.resnets.{place // 2}.{_RESIDUAL.get(rest, rest)}"
    fixed = {
        "out.2": "conv_out",
        "time_embed.0": "time_embedding.linear_1",
        "time_embed.2": "time_embedding.linear_2",
    }
    return fixed.get(name, name)


def _input_name(block: int, place: int, rest: str, blocks: int) -> str:
    level, number = divmod(block - 1, blocks + 1)
    if number == blocks:
        return f"down_blocks.{level}.downsamplers.0.conv"
    return f"down_blocks.{level}.{_part(place, number, rest)}"


def _output_name(block: int, place: int, rest: str, blocks: int) -> str:
    level, number = divmod(block, blocks + 1)
    if rest == "conv":
        return f"up_blocks.{level}.upsamplers.0.conv"
    return f"up_blocks.{level}.{_part(place, number, rest)}"


def _part(place: int, number: int, rest: str) -> str:
    if place == 1:
        return f"attentions.{number}.{rest}"
    return f"resnets.{number}.{_RESIDUAL.get(rest, rest)}"


def with_names(
    layers: Mapping[str, Mapping[str, torch.Tensor]], names: Mapping[str, str]
) -> dict[str, torch.Tensor]:
    """Return the tensors of a file: those of each layer, under the layer's key."""
    return {
        f"{names[layer]}.{end}": tensor
        for layer, tensors in layers.items()
        for end, tensor in tensors.items()
    }
