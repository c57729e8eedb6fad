"""The trained weights under the names of SD1.x, and the whole checkpoint."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from .text_tower import text_tower

UNET = "model.diffusion_model."
VAE = "first_stage_model."

Weights = dict[str, torch.Tensor]


def trained(unet: Mapping[str, torch.Tensor], vae: Mapping[str, torch.Tensor]) -> Weights:
    """Return what was trained, in fp16: all of a checkpoint but its text encoder."""
    named = {UNET + name: value for name, value in unet.items()}
    named |= {VAE + name: value for name, value in vae.items()}
    return {
        name: value.detach().to("cpu", torch.float16).contiguous() for name, value in named.items()
    }


def complete(weights: Mapping[str, torch.Tensor]) -> Weights:
    """Return a checkpoint that opens in ComfyUI: the trained weights and the text encoder."""
    tower = {name: torch.from_numpy(value) for name, value in text_tower().items()}
    return {**weights, **tower}
