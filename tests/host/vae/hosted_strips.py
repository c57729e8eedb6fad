"""A VAE of SD's own sizes in strips and in one piece, compared inside ComfyUI's Python.

Run by test_vae_strips.py (see inside.py); prints the results as JSON. The weights are random.
"""

from __future__ import annotations

import importlib
import json
from typing import Any

import comfy.sd
import torch
from comfy.ldm.models.autoencoder import AutoencoderKL

from tests.host.vae.kl_config import kl_config

decode_node = importlib.import_module("pack.nodes.vae.vae_decode").TipoVaeDecode
encode_node = importlib.import_module("pack.nodes.vae.vae_encode").TipoVaeEncode
StripExecutor = importlib.import_module("pack.tipo_core.pictures.vae.row_strips").StripExecutor

CPU = torch.device("cpu")
GENERATOR = torch.Generator().manual_seed(3)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=GENERATOR)


def new_model(**changes: Any) -> AutoencoderKL:
    return AutoencoderKL(ddconfig=kl_config(**changes), embed_dim=4)


def weights_of(**changes: Any) -> dict[str, torch.Tensor]:
    """Random weights that keep the values at about unit size."""
    weights = {}
    for name, value in new_model(**changes).state_dict().items():
        drawn = normal(*value.shape)
        if "norm" in name and name.endswith("weight"):
            weights[name] = 1 + 0.1 * drawn
        elif name.endswith("bias"):
            weights[name] = 0.1 * drawn
        else:
            weights[name] = drawn / value[0].numel() ** 0.5
    return weights


def without_time(report: str) -> list[str]:
    return [line for line in report.splitlines() if not line.endswith(" s")]


def real_size() -> dict[str, Any]:
    vae = comfy.sd.VAE(sd=weights_of(), dtype=torch.float32)
    samples, pixels = normal(2, 4, 12, 18), torch.rand(2, 100, 145, 3, generator=GENERATOR)
    strips = {"tiling": "strips", "tile_size": 64}
    image, report = decode_node.execute({"samples": samples}, vae, **strips).args
    latent, encode_report = encode_node.execute(pixels, vae, **strips).args
    whole, whole_latent = vae.decode(samples), vae.encode(pixels)
    tiles = {"tiling": "always", "tile_size": 64, "overlap": 16}
    tiled, _ = decode_node.execute({"samples": samples}, vae, **tiles).args
    found = {
        "spread": whole.std().item(),
        "decode": (image - whole).abs().max().item(),
        "encode": (latent["samples"] - whole_latent).abs().max().item(),
        "tiles": (tiled - whole).abs().mean().item(),
        "reports": [without_time(report), without_time(encode_report)],
    }

    def out_of_memory(*args: Any) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    # In strips the layers are called, not the whole.
    vae.first_stage_model.decoder.forward = out_of_memory
    before = dict(vae.first_stage_model._modules)
    image, report = decode_node.execute({"samples": samples}, vae, tile_size=64).args
    found["rescued"] = (image - whole).abs().max().item()
    found["rescued report"] = without_time(report)
    found["untouched"] = before == vae.first_stage_model._modules
    return found


def shapes() -> list[float]:
    """The largest difference for numbers of rows that do and do not divide the height."""
    worst = []
    cases: list[tuple[list[int], int, int, int]] = [
        ([1, 2], 2, 13, 9),
        ([1, 2, 2], 1, 8, 5),
        ([2], 2, 6, 7),
    ]
    for ch_mult, blocks, height, width in cases:
        changes = {"ch": 32, "ch_mult": ch_mult, "num_res_blocks": blocks}
        model = new_model(**changes)
        model.load_state_dict(weights_of(**changes))
        factor = 2 ** (len(ch_mult) - 1)
        z, x = normal(2, 4, height, width), normal(1, 3, height * factor, width * factor)
        drawn, encoded = model.decoder(z), model.encoder(x)
        for rows in (1, 2, 3, 8, 64):
            strips = StripExecutor(rows, CPU, CPU)
            worst.append((strips.decode(model.decoder, z) - drawn).abs().max().item())
            worst.append((strips.encode(model.encoder, x) - encoded).abs().max().item())
    return worst


def half() -> float:
    """Return the mean error of bf16 in strips / that of bf16 in one piece, both against fp32."""
    # ComfyUI detects only the usual sizes of a VAE: use the model itself.
    changes = {"ch": 32, "ch_mult": [1, 2, 2]}
    model = new_model(**changes)
    model.load_state_dict(weights_of(**changes))
    z = normal(1, 4, 16, 16)
    exact = model.decoder(z)
    model.to(torch.bfloat16)
    whole = (model.decoder(z.bfloat16()).float() - exact).abs().mean()
    strips = StripExecutor(5, CPU, CPU).decode(model.decoder, z.bfloat16()).float()
    return float((strips - exact).abs().mean() / whole)


def problem() -> str:
    taesd = comfy.sd.VAE(sd={"pixel_space_vae": torch.tensor(1.0)})
    try:
        decode_node.execute({"samples": normal(1, 3, 8, 8)}, taesd, tiling="strips")
    except ValueError as error:
        return str(error)
    return ""


with torch.inference_mode():
    print(
        json.dumps(
            {"real size": real_size(), "shapes": shapes(), "half": half(), "problem": problem()}
        )
    )
