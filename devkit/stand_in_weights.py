"""The weights of the stand-in checkpoint: SD1.x format, small, made from a fixed seed.

It has the shapes by which ComfyUI recognises SD1.x (model_channels 320, context_dim 768, CLIP-L) at
the least depth, and a TAESD-format VAE. It is no model of anything, but a sane one:

- The UNet returns its input, normalised, plus random features of it and of the text. To "predict"
  the input as the noise makes the sampler shrink its start noise to about unit size, so that
  pictures are coloured noise, neither black nor white, and the prompt, cfg, steps and seed all
  matter. The input runs through in channel pairs (x, -x), for silu(x) - silu(-x) = x exactly.
- The VAE is the linear preview of SD1.x latents with smooth upsampling, and the encoder is its
  pseudo-inverse with smooth downsampling; relu(x) - relu(-x) = x keeps its channels linear.

Run as a program, in a Python that has torch and safetensors: stand_in_weights.py FILE
"""

from __future__ import annotations

import math
import sys
import zlib

import torch

SEED = 20241113
WIDTH = 320
CONTEXT = 768
TIME = 4 * WIDTH
LATENT = 4
# GroupNorm has 32 groups of 10 channels: the first one carries the input and nothing else.
CARRIED = 10
SCALE_FACTOR = 0.18215

# One row a latent channel, one column a colour: the usual linear preview of SD1.x latents.
LATENT_TO_RGB = (
    (0.3512, 0.2297, 0.3227),
    (0.3250, 0.4974, 0.2350),
    (-0.2829, 0.1762, 0.2721),
    (-0.2120, -0.2616, -0.7177),
)

Weights = dict[str, torch.Tensor]


def checkpoint() -> Weights:
    """Return the whole state dict in fp16; the same on every call."""
    weights: Weights = {}
    for prefix, part in (
        ("model.diffusion_model.", unet()),
        ("cond_stage_model.transformer.text_model.", clip_l()),
        ("first_stage_model.", taesd()),
    ):
        weights.update({prefix + key: value for key, value in part.items()})
    return {key: value.to(torch.float16).contiguous() for key, value in weights.items()}


def normal(key: str, *shape: int, std: float) -> torch.Tensor:
    """Return normal values that depend on the key and the seed alone, not on the order of calls."""
    generator = torch.Generator().manual_seed(SEED + zlib.crc32(key.encode()))
    return torch.randn(*shape, generator=generator) * std


def linear(weights: Weights, key: str, out: int, into: int, gain: float, bias: bool = True) -> None:
    """Add a linear layer with outputs of about `gain` for inputs of unit size."""
    weights[f"{key}.weight"] = normal(key, out, into, std=gain / math.sqrt(into))
    if bias:
        weights[f"{key}.bias"] = torch.zeros(out)


def conv(weights: Weights, key: str, out: int, into: int, size: int, gain: float) -> None:
    """Add a convolution with outputs of about `gain` for inputs of unit size."""
    std = gain / math.sqrt(into * size * size)
    weights[f"{key}.weight"] = normal(key, out, into, size, size, std=std)
    weights[f"{key}.bias"] = torch.zeros(out)


def norm(weights: Weights, key: str, width: int) -> None:
    """Add a normalisation that changes no scale."""
    weights[f"{key}.weight"] = torch.ones(width)
    weights[f"{key}.bias"] = torch.zeros(width)


# The UNet -----------------------------------------------------------------------------------------


def unet() -> Weights:
    """Return a UNet of one level, one residual block and one transformer (channel_mult [1])."""
    weights: Weights = {}
    linear(weights, "time_embed.0", TIME, WIDTH, gain=1.0)
    linear(weights, "time_embed.2", TIME, TIME, gain=1.0)

    conv(weights, "input_blocks.0.0", WIDTH, LATENT, 3, gain=1.0)
    first = weights["input_blocks.0.0.weight"]
    first[:CARRIED] = 0
    for channel in range(LATENT):
        first[channel, channel, 1, 1] = 1.0
        first[channel + LATENT, channel, 1, 1] = -1.0

    _residual(weights, "input_blocks.1.0", WIDTH)
    _transformer(weights, "input_blocks.1.1")
    _residual(weights, "middle_block.0", WIDTH)
    _transformer(weights, "middle_block.1")
    _residual(weights, "middle_block.2", WIDTH)
    for block in (0, 1):
        _residual(weights, f"output_blocks.{block}.0", 2 * WIDTH)
        _transformer(weights, f"output_blocks.{block}.1")

    norm(weights, "out.0", WIDTH)
    # What is predicted wrong adds up over all sigmas, 14.6 in sum: so little of it is random.
    conv(weights, "out.2", LATENT, WIDTH, 3, gain=0.06)
    last = weights["out.2.weight"]
    # silu leaves a mean in every channel; without this each picture would have one tint.
    last -= last.mean(dim=1, keepdim=True)
    last[:, :CARRIED] = 0
    for channel in range(LATENT):
        # Eight of the group's ten channels carry: 0.85 comes out as 0.85 * sqrt(10 / 8) = 0.95.
        last[channel, channel, 1, 1] = 0.85
        last[channel, channel + LATENT, 1, 1] = -0.85
    return weights


def _residual(weights: Weights, key: str, into: int) -> None:
    norm(weights, f"{key}.in_layers.0", into)
    conv(weights, f"{key}.in_layers.2", WIDTH, into, 3, gain=1.0)
    linear(weights, f"{key}.emb_layers.1", WIDTH, TIME, gain=0.3)
    norm(weights, f"{key}.out_layers.0", WIDTH)
    conv(weights, f"{key}.out_layers.3", WIDTH, WIDTH, 3, gain=0.5)
    weights[f"{key}.out_layers.3.weight"][:CARRIED] = 0
    if into != WIDTH:
        # The mean of the stream and of the skip: both carry the input in the same channels.
        half = 0.5 * torch.eye(WIDTH)
        weights[f"{key}.skip_connection.weight"] = torch.cat([half, half], 1)[:, :, None, None]
        weights[f"{key}.skip_connection.bias"] = torch.zeros(WIDTH)


def _transformer(weights: Weights, key: str) -> None:
    norm(weights, f"{key}.norm", WIDTH)
    conv(weights, f"{key}.proj_in", WIDTH, WIDTH, 1, gain=1.0)
    block = f"{key}.transformer_blocks.0"
    for attention, context in (("attn1", WIDTH), ("attn2", CONTEXT)):
        linear(weights, f"{block}.{attention}.to_q", WIDTH, WIDTH, gain=1.0, bias=False)
        linear(weights, f"{block}.{attention}.to_k", WIDTH, context, gain=1.0, bias=False)
        linear(weights, f"{block}.{attention}.to_v", WIDTH, context, gain=1.0, bias=False)
        linear(weights, f"{block}.{attention}.to_out.0", WIDTH, WIDTH, gain=1.0)
    linear(weights, f"{block}.ff.net.0.proj", 8 * WIDTH, WIDTH, gain=1.0)
    linear(weights, f"{block}.ff.net.2", WIDTH, 4 * WIDTH, gain=0.5)
    for number in (1, 2, 3):
        norm(weights, f"{block}.norm{number}", WIDTH)
    conv(weights, f"{key}.proj_out", WIDTH, WIDTH, 1, gain=0.5)
    weights[f"{key}.proj_out.weight"][:CARRIED] = 0


# The text encoder ---------------------------------------------------------------------------------


def clip_l() -> Weights:
    """Return CLIP-L's text encoder: 12 layers of 768, with the scales of its own initialisation."""
    weights: Weights = {
        "embeddings.token_embedding.weight": normal("token", 49408, CONTEXT, std=0.02),
        "embeddings.position_embedding.weight": normal("position", 77, CONTEXT, std=0.01),
    }
    for layer in range(12):
        key = f"encoder.layers.{layer}"
        for name in ("q_proj", "k_proj", "v_proj"):
            linear(weights, f"{key}.self_attn.{name}", CONTEXT, CONTEXT, gain=1.0)
        linear(weights, f"{key}.self_attn.out_proj", CONTEXT, CONTEXT, gain=0.3)
        linear(weights, f"{key}.mlp.fc1", 4 * CONTEXT, CONTEXT, gain=1.0)
        linear(weights, f"{key}.mlp.fc2", CONTEXT, 4 * CONTEXT, gain=0.3)
        norm(weights, f"{key}.layer_norm1", CONTEXT)
        norm(weights, f"{key}.layer_norm2", CONTEXT)
    norm(weights, "final_layer_norm", CONTEXT)
    return weights


# The VAE ------------------------------------------------------------------------------------------

_VAE_WIDTH = 64
_BLUR = torch.tensor([1.0, 2.0, 1.0])[:, None] * torch.tensor([1.0, 2.0, 1.0]) / 16


def taesd() -> Weights:
    """Return a TAESD-format VAE that decodes with the linear preview and encodes with its inverse.

    Positions in the decoder: 1 first convolution, 3-5, 8-10, 13-15 blocks, 7, 12, 17 convolutions
    after the upsampling, 18 block, 19 last one. In the encoder: 0, 1 block, 2, 6, 10 with stride 2
    and three blocks behind each, 14 last one.
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
    return weights


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


if __name__ == "__main__":
    from safetensors.torch import save_file

    save_file(checkpoint(), sys.argv[1])
