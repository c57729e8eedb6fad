"""The trained weights under the names of SD1.x, and the whole checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file

from .text_tower import text_tower
from .unet import UNet
from .vae import Autoencoder

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


def open_trained(path: Path) -> tuple[UNet, Autoencoder]:
    """Return UNet and autoencoder of a file that training wrote, in fp32, to draw with."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: training writes it")
    weights = load_file(path)
    try:
        unet = UNet(weights[f"{UNET}input_blocks.0.0.weight"].shape[0])
        vae = Autoencoder(weights[f"{VAE}taesd_encoder.0.weight"].shape[0])
        for start, module in ((UNET, unet), (VAE, vae)):
            own = {n.removeprefix(start): v for n, v in weights.items() if n.startswith(start)}
            module.load_state_dict(own)
            module.eval().requires_grad_(False)
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"{path} does not hold toy-sd's weights: {error}") from error
    return unet, vae
