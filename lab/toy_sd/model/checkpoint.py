"""The trained weights with the names of SD1.x: written by the training, read for drawing."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file
from torch import nn

from .autoencoder import Autoencoder
from .packing import unpacked
from .unet import UNet

UNET = "model.diffusion_model."
VAE = "first_stage_model."


def trained(unet: nn.Module, vae: nn.Module) -> dict[str, torch.Tensor]:
    """Return the trained weights in fp16: a checkpoint without its text encoder."""
    named = {UNET + name: value for name, value in unet.state_dict().items()}
    named |= {VAE + name: value for name, value in vae.state_dict().items()}
    return {name: value.detach().to("cpu", torch.float16) for name, value in named.items()}


def open_trained(path: Path) -> tuple[UNet, Autoencoder]:
    """Return UNet and autoencoder in fp32 from a file of trained or packed weights."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}: training writes it")
    try:
        weights = {k: torch.from_numpy(v) for k, v in unpacked(load_file(path)).items()}
        unet = UNet(weights[f"{UNET}input_blocks.0.0.weight"].shape[0])
        vae = Autoencoder(weights[f"{VAE}taesd_encoder.0.weight"].shape[0])
        for start, module in ((UNET, unet), (VAE, vae)):
            own = {n.removeprefix(start): v for n, v in weights.items() if n.startswith(start)}
            module.load_state_dict(own)
            module.eval().requires_grad_(False)
    except (KeyError, RuntimeError, SafetensorError) as error:
        raise ValueError(f"{path} does not hold toy-sd's weights: {error}") from error
    return unet, vae
