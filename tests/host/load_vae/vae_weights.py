"""VAE weights for tests: the linear one under two namings, and an AutoencoderKL under two."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.host.vae.linear_vae import linear_vae

Weights = dict[str, torch.Tensor]
WEIGHTS_FILE = "diffusion_pytorch_model.safetensors"
INDEX_FILE = f"{WEIGHTS_FILE}.index.json"
CONFIG = {"_class_name": "AutoencoderKL"}


def without_red(weights: Weights) -> Weights:
    """TAESD's weights that decode to other pictures: the last convolution writes no red."""
    last = weights["taesd_decoder.19.weight"].clone()
    last[0] = 0
    return weights | {"taesd_decoder.19.weight": last}


def taesd_halves(latent_channels: int) -> dict[str, Weights]:
    """The linear VAE as the two files of a TAESD pair, for latents of `latent_channels`."""
    weights = linear_vae()
    halves = {
        half: {
            key.removeprefix(f"taesd_{half}."): value
            for key, value in weights.items()
            if key.startswith(f"taesd_{half}.")
        }
        for half in ("encoder", "decoder")
    }
    copies = latent_channels // 4
    halves["decoder"]["1.weight"] = halves["decoder"]["1.weight"].repeat(1, copies, 1, 1) / copies
    for key in ("14.weight", "14.bias"):
        value = halves["encoder"][key]
        halves["encoder"][key] = value.repeat(copies, *[1] * (value.ndim - 1))
    return halves


def write_folder(folder: Path, weights: Weights, shards: int = 1) -> Path:
    """Write a folder in diffusers' form, with an index where there are several shards."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    if shards == 1:
        save_file(weights, folder / WEIGHTS_FILE)
        return folder
    weight_map: dict[str, str] = {}
    for number in range(shards):
        name = f"diffusion_pytorch_model-{number + 1:05}-of-{shards:05}.safetensors"
        part = {key: weights[key] for key in sorted(weights)[number::shards]}
        save_file(part, folder / name)
        weight_map |= dict.fromkeys(part, name)
    (folder / INDEX_FILE).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder


# AutoencoderKL of SD1.x --------------------------------------------------------------------------
# ComfyUI builds it in full size whatever the file holds, so nothing smaller can be loaded.

_LEVELS = (128, 256, 512, 512)
_Names = tuple[str, str, tuple[int, ...]]


def autoencoder_kl() -> tuple[Weights, Weights]:
    """An AutoencoderKL of 83.7 M random fp16 weights: under ComfyUI's names, under diffusers'.

    Both have the same numbers. Pictures that it decodes are noise of a middle brightness.
    """
    ours: Weights = {}
    diffusers: Weights = {}
    # Slices of one pool: as good as random weights here, and much quicker to make.
    pool = torch.randn(2**22, generator=torch.Generator().manual_seed(5))
    for number, (name, other, shape) in enumerate(_tensors()):
        size = torch.Size(shape).numel()
        value = pool[number : number + size].reshape(shape)
        if len(shape) == 1:
            is_scale = name.endswith("weight")
            value = 1 + 0.1 * value if is_scale else 0.1 * value
        else:
            value = value / (size / shape[0]) ** 0.5
        ours[name] = value.to(torch.float16)
        # diffusers keeps the attention's matrices as those of linear layers.
        is_linear = ".attentions." in other and len(shape) == 4
        diffusers[other] = ours[name][:, :, 0, 0].clone() if is_linear else ours[name].clone()
    return ours, diffusers


def _tensors() -> Iterator[_Names]:
    """Name in ComfyUI, name in diffusers, and shape of every tensor."""
    top = len(_LEVELS) - 1
    yield from _conv("encoder.conv_in", "encoder.conv_in", 128, 3, 3)
    before = 128
    for level, width in enumerate(_LEVELS):
        down, block = f"encoder.down.{level}", f"encoder.down_blocks.{level}"
        for number in range(2):
            yield from _residual(
                f"{down}.block.{number}", f"{block}.resnets.{number}", before, width
            )
            before = width
        if level < top:
            conv = f"{block}.downsamplers.0.conv"
            yield from _conv(f"{down}.downsample.conv", conv, width, width, 3)
    yield from _middle("encoder")
    yield from _conv("encoder.conv_out", "encoder.conv_out", 8, 512, 3)

    yield from _conv("decoder.conv_in", "decoder.conv_in", 512, 4, 3)
    yield from _middle("decoder")
    before = 512
    for level, width in reversed(list(enumerate(_LEVELS))):
        up, block = f"decoder.up.{level}", f"decoder.up_blocks.{top - level}"
        for number in range(3):
            yield from _residual(f"{up}.block.{number}", f"{block}.resnets.{number}", before, width)
            before = width
        if level > 0:
            conv = f"{block}.upsamplers.0.conv"
            yield from _conv(f"{up}.upsample.conv", conv, width, width, 3)
    yield from _norm("decoder.norm_out", "decoder.conv_norm_out", 128)
    yield from _conv("decoder.conv_out", "decoder.conv_out", 3, 128, 3)
    yield from _norm("encoder.norm_out", "encoder.conv_norm_out", 512)
    yield from _conv("quant_conv", "quant_conv", 8, 8, 1)
    yield from _conv("post_quant_conv", "post_quant_conv", 4, 4, 1)


def _middle(half: str) -> Iterator[_Names]:
    for number in range(2):
        other = f"{half}.mid_block.resnets.{number}"
        yield from _residual(f"{half}.mid.block_{number + 1}", other, 512, 512)
    attention, other = f"{half}.mid.attn_1", f"{half}.mid_block.attentions.0"
    yield from _norm(f"{attention}.norm", f"{other}.group_norm", 512)
    for name, its in (("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0")):
        yield from _conv(f"{attention}.{name}", f"{other}.{its}", 512, 512, 1)


def _residual(name: str, other: str, into: int, out: int) -> Iterator[_Names]:
    yield from _norm(f"{name}.norm1", f"{other}.norm1", into)
    yield from _conv(f"{name}.conv1", f"{other}.conv1", out, into, 3)
    yield from _norm(f"{name}.norm2", f"{other}.norm2", out)
    yield from _conv(f"{name}.conv2", f"{other}.conv2", out, out, 3)
    if into != out:
        yield from _conv(f"{name}.nin_shortcut", f"{other}.conv_shortcut", out, into, 1)


def _conv(name: str, other: str, out: int, into: int, size: int) -> Iterator[_Names]:
    yield f"{name}.weight", f"{other}.weight", (out, into, size, size)
    yield f"{name}.bias", f"{other}.bias", (out,)


def _norm(name: str, other: str, width: int) -> Iterator[_Names]:
    yield f"{name}.weight", f"{other}.weight", (width,)
    yield f"{name}.bias", f"{other}.bias", (width,)
