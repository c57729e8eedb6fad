"""The VAE nodes compared with core's nodes inside ComfyUI's Python.

Run by test_vae_nodes.py (see inside.py) with a file of linear_vae.py's weights as its argument;
prints the results as JSON.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import comfy.nested_tensor
import comfy.taesd.taehv
import torch

import nodes as core
from tests.host.raised import raised
from tests.host.vae.hosted_vae_inpainting import inpainting
from tests.host.vae.hosted_vae_memory import memory
from tests.host.vae.hosted_vae_precision import precision
from tests.host.vae.vae_tools import (
    CPU,
    as_core,
    decoded,
    encoded,
    new_vae,
    normal,
    picture,
    smooth,
    state_of,
)


def video_vae() -> Any:
    model = comfy.taesd.taehv.TAEHV(latent_channels=16)
    weights = {}
    for number, (key, value) in enumerate(model.state_dict().items()):
        fan_in = max(value[0].numel(), 1)
        weights[key] = normal(*value.shape, seed=number) * (1.5 / fan_in) ** 0.5
    return new_vae(weights)


def defaults() -> dict[str, Any]:
    vae = new_vae()
    before = state_of(vae)
    samples, pixels = normal(3, 4, 9, 13), picture(2, 67, 100, 4)
    image, decode_report = decoded(vae, samples)
    latent, encode_report = encoded(vae, pixels)
    half, few = new_vae(dtype=torch.float16), samples[:1, :, :4, :4]
    half_image, half_report = decoded(half, few)
    pair = comfy.nested_tensor.NestedTensor((samples, normal(3, 8, 5)))
    return {
        "decode": torch.equal(image, as_core(vae, samples)),
        "decode report": decode_report,
        "encode": torch.equal(
            latent["samples"], core.VAEEncode().encode(vae, pixels)[0]["samples"]
        ),
        "encode report": encode_report,
        "encode keys": list(latent),
        "half": torch.equal(half_image, as_core(half, few)),
        "half report": half_report,
        "nested": torch.equal(decoded(vae, pair)[0], image),
        "untouched": before == state_of(vae),
    }


def video() -> dict[str, Any]:
    vae = video_vae()
    samples, pixels = normal(1, 16, 2, 8, 12), picture(5, 32, 96, 3)
    image, report = decoded(vae, samples)
    latent, _ = encoded(vae, pixels, mask=picture(5, 32, 96))
    found = {
        "decode": torch.equal(image, as_core(vae, samples)),
        "report": report,
        "encode": torch.equal(latent["samples"], vae.encode(pixels)),
        "shapes": [list(image.shape), list(latent["samples"].shape)],
        "mask": list(latent["noise_mask"].shape),
    }
    tiles, tiles_report = decoded(vae, samples, tiling="always", tile_size=64, overlap=16)
    direct = vae.decode_tiled(samples, tile_x=8, tile_y=8, overlap=2)
    found["tiles"] = torch.equal(tiles, direct.reshape(-1, *direct.shape[-3:]))
    found["tiles report"] = tiles_report
    found["not whole"] = not torch.equal(tiles, image)
    latent, _ = encoded(vae, pixels, tiling="always", tile_size=64, overlap=16)
    direct = vae.encode_tiled(pixels, tile_x=64, tile_y=64, overlap=16)
    found["encode tiles"] = torch.equal(latent["samples"], direct)
    return found


def tiles() -> dict[str, Any]:
    vae, samples = new_vae(), smooth(1, 24)[..., :8]
    whole = as_core(vae, samples)
    direct = vae.decode_tiled(samples, tile_x=16, tile_y=16, overlap=4)
    image, report = decoded(vae, samples, tiling="always", tile_size=128)
    found: dict[str, Any] = {"decode": [torch.equal(image, direct), report]}
    found["decode difference"] = (image - whole).abs().mean().item() * 255
    found["not whole"] = not torch.equal(image, whole)

    direct = vae.encode_tiled(whole, tile_x=128, tile_y=128, overlap=32)
    latent, report = encoded(vae, whole, tiling="always", tile_size=128)
    found["encode"] = [torch.equal(latent["samples"], direct), report]
    found["encode difference"] = (direct - vae.encode(whole)).abs().mean().item()

    own = new_vae()
    own.handles_tiling = True  # as newer cores mark VAEs that have tiles of their own
    own.first_stage_model.decode_tiled = lambda x, **tile: own.first_stage_model.decode(x)
    found["own tiles"] = decoded(own, samples, tiling="always", tile_size=128)[1]

    sound = SimpleNamespace(
        latent_dim=1,
        latent_channels=64,
        vae_dtype=torch.float32,
        device=CPU,
        throw_exception_if_invalid=lambda: None,
        process_output=lambda values: values,
        decode=lambda samples: samples * 2,
    )
    found["sound"] = decoded(sound, torch.ones(1, 64, 5))[0].tolist() == [[[2.0] * 5] * 64]
    found["sound tiles"] = raised(lambda: decoded(sound, torch.ones(1, 64, 5), tiling="always"))
    found["sound encode"] = raised(lambda: encoded(sound, whole))
    return found


parts = (defaults, video, memory, tiles, precision, inpainting)
with torch.inference_mode():
    print(json.dumps({part.__name__: part() for part in parts}, default=str))
