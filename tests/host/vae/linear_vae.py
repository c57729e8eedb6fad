"""A VAE in TAESD's format whose results are known: linear, made by hand.

It decodes with the linear preview of SD1.x latents and smooth upsampling, and encodes with the
preview's pseudo-inverse and smooth downsampling; relu(x) - relu(-x) = x keeps its channels linear.
"""

from __future__ import annotations

import torch

LATENT = 4
SCALE_FACTOR = 0.18215

# One row a latent channel, one column a colour: the usual linear preview of SD1.x latents.
LATENT_TO_RGB = (
    (0.3512, 0.2297, 0.3227),
    (0.3250, 0.4974, 0.2350),
    (-0.2829, 0.1762, 0.2721),
    (-0.2120, -0.2616, -0.7177),
)

Weights = dict[str, torch.Tensor]

_VAE_WIDTH = 64
_BLUR = torch.tensor([1.0, 2.0, 1.0])[:, None] * torch.tensor([1.0, 2.0, 1.0]) / 16


def linear_vae() -> Weights:
    """Return the weights in fp16, by TAESD's names.

    Positions in the decoder: 1 first convolution, 3-5, 8-10, 13-15 blocks, 7, 12, 17 convolutions
    after the upsampling, 18 block, 19 last one. In the encoder: 0, 1 block, 2, 6, 10 with stride 2
    and three blocks after each, 14 last one.
    """
    weights: Weights = {"vae_scale": torch.tensor(SCALE_FACTOR), "vae_shift": torch.tensor(0.0)}
    to_rgb = torch.tensor(LATENT_TO_RGB).T
    to_latent = torch.linalg.pinv(to_rgb)

    # The decoder makes values in 0..1, the preview is in -1..1.
    weights.update(_split("taesd_decoder.1", torch.eye(LATENT)))
    for position in (7, 12, 17):
        weights[f"taesd_decoder.{position}.weight"] = _each_channel(2 * LATENT, _BLUR)
    weights.update(_join("taesd_decoder.19", 0.5 * to_rgb, bias=0.5))
    for position in (3, 4, 5, 8, 9, 10, 13, 14, 15, 18):
        weights.update(_idle_block(f"taesd_decoder.{position}"))

    # It gets pictures in 0..1: (x - 0.5) * 2 is folded into the first convolution.
    weights.update(_split("taesd_encoder.0", 2 * torch.eye(3), shift=-1.0))
    for position in (2, 6, 10):
        weights[f"taesd_encoder.{position}.weight"] = _each_channel(6, _BLUR)
    weights.update(_join("taesd_encoder.14", to_latent, bias=0.0))
    for position in (1, 3, 4, 5, 7, 8, 9, 11, 12, 13):
        weights.update(_idle_block(f"taesd_encoder.{position}"))
    return {key: value.to(torch.float16).contiguous() for key, value in weights.items()}


def _split(key: str, matrix: torch.Tensor, shift: float = 0.0) -> Weights:
    """Return a convolution that writes matrix·x + shift, then its negative, to the channels."""
    out, into = matrix.shape
    weight = torch.zeros(_VAE_WIDTH, into, 3, 3)
    weight[:out, :, 1, 1] = matrix
    weight[out : 2 * out, :, 1, 1] = -matrix
    bias = torch.zeros(_VAE_WIDTH)
    bias[:out], bias[out : 2 * out] = shift, -shift
    return {f"{key}.weight": weight, f"{key}.bias": bias}


def _join(key: str, matrix: torch.Tensor, bias: float) -> Weights:
    """Return a convolution that reads (positive, negative) pairs and applies the matrix."""
    out, into = matrix.shape
    weight = torch.zeros(out, _VAE_WIDTH, 3, 3)
    weight[:, :into, 1, 1] = matrix
    weight[:, into : 2 * into, 1, 1] = -matrix
    return {f"{key}.weight": weight, f"{key}.bias": torch.full((out,), bias)}


def _each_channel(channels: int, kernel: torch.Tensor) -> torch.Tensor:
    weight = torch.zeros(_VAE_WIDTH, _VAE_WIDTH, 3, 3)
    for channel in range(channels):
        weight[channel, channel] = kernel
    return weight


def _idle_block(key: str) -> Weights:
    """Return a block that adds nothing to its input, which its relu leaves as it is."""
    weights: Weights = {}
    for layer in (0, 2, 4):
        weights[f"{key}.conv.{layer}.weight"] = torch.zeros(_VAE_WIDTH, _VAE_WIDTH, 3, 3)
        weights[f"{key}.conv.{layer}.bias"] = torch.zeros(_VAE_WIDTH)
    return weights
