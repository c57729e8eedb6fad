"""The layers of a diffusion model or text encoder that get a LoRA."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch

from .frozen_layers import Convolution, Linear, operation_of

ATTENTION, LINEAR, CONVOLUTION = "attention", "linear", "linear and convolution"
TARGETS = (ATTENTION, LINEAR, CONVOLUTION)

# attn1.to_q (SD), attn.qkv and self_attn.q_proj (others).
_ATTENTION = re.compile(r"(^|\.)(\w*attn\w*|attention\w*)(\.|$)")
# Embeddings of time, size and pooled text, which LoRA trainers leave out.
_EMBEDDERS = re.compile(
    r"(^|\.)(time_embed|label_emb|time_in|vector_in|guidance_in|[txy]_embedder|emb_layers)(\.|$)"
)
_ENCODER_LAYER = re.compile(r"(^|\.)encoder\.layers\.\d+\.")


def unet_targets(model: torch.nn.Module, targets: str) -> Iterator[tuple[str, torch.nn.Module]]:
    """Yield the layers of a diffusion model by name.

    `attention` are the projections of the attention, as in the LoRA paper and in diffusers;
    `linear` all linear layers of the transformers, with `proj_in` and `proj_out` that are 1x1
    convolutions in SD1.x, as in kohya's scripts; `linear and convolution` all layers of both
    kinds, those of the time in the residual blocks included. Raises ValueError for another name.
    """
    if targets not in TARGETS:
        raise ValueError(f"targets {targets!r} is unknown: choose {', '.join(TARGETS)}")
    for name, layer in model.named_modules():
        if _weight_of(layer) is not None and _fits(name, layer, targets):
            yield name, layer


def text_targets(model: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    """Yield the linear layers of a text encoder's transformer layers by name."""
    for name, layer in model.named_modules():
        is_linear = isinstance(operation_of(layer), Linear) and _weight_of(layer) is not None
        if is_linear and _ENCODER_LAYER.search(name):
            yield name, layer


def _fits(name: str, layer: torch.nn.Module, targets: str) -> bool:
    operation = operation_of(layer)
    if operation is None:
        return False
    if isinstance(operation, Convolution):
        if operation.groups != 1:
            return False
        is_projection = name.endswith((".proj_in", ".proj_out"))
        return targets == CONVOLUTION or (targets == LINEAR and is_projection)
    if targets == ATTENTION:
        return _ATTENTION.search(name) is not None
    found = _EMBEDDERS.search(name)
    return found is None or (targets == CONVOLUTION and found[2] == "emb_layers")


def _weight_of(layer: torch.nn.Module) -> torch.Tensor | None:
    weight = getattr(layer, "weight", None)
    return weight if isinstance(weight, torch.Tensor) and weight.ndim >= 2 else None
