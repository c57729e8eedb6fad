"""The VAE nodes where a precision overflows; part of hosted_vae.py."""

from __future__ import annotations

import gc
from functools import partial
from typing import Any

import comfy.model_management as management
import comfy.model_patcher
import torch
from comfy.taesd.taesd import TAESD

from tests.host.raised import raised
from tests.host.vae.vae_tools import (
    CPU,
    OUT_OF_MEMORY,
    WEIGHTS,
    as_core,
    decoded,
    encoded,
    new_vae,
    normal,
    picture,
    state_of,
)


def overflowing() -> dict[str, Any]:
    """The weights scaled so that fp16 overflows inside; exact in fp32."""
    scales = {"decoder": {1: 15, 7: 4, 12: -9, 17: -10}, "encoder": {0: 14, 2: 3, 6: -8, 10: -9}}
    weights = dict(WEIGHTS)
    for part, powers in scales.items():
        for position, power in powers.items():
            weights[f"taesd_{part}.{position}.weight"] = (
                WEIGHTS[f"taesd_{part}.{position}.weight"] * 2.0**power
            )
    weights["taesd_encoder.0.bias"] = WEIGHTS["taesd_encoder.0.bias"] * 2.0**14
    return weights


def precision() -> dict[str, Any]:
    samples, pixels = normal(1, 4, 4, 4) * 3, picture(1, 32, 32, 3)
    vae, exact = new_vae(overflowing(), torch.float16), new_vae()
    found: dict[str, Any] = {
        "core is not finite": [
            not as_core(vae, samples).isfinite().all().item(),
            not vae.encode(pixels).isfinite().all().item(),
        ]
    }
    gc.collect()
    before = state_of(vae)
    models = sum(isinstance(thing, TAESD) for thing in gc.get_objects())
    loaded = len(management.loaded_models())
    image, report = decoded(vae, samples)
    latent, encode_report = encoded(vae, pixels)
    # Without a collection: nothing of the copy may wait for one.
    found["models left"] = sum(isinstance(thing, TAESD) for thing in gc.get_objects()) - models
    found["loaded left"] = len(management.loaded_models()) - loaded
    found["untouched"] = before == state_of(vae)
    found["decode"] = (image - as_core(exact, samples)).abs().max().item()
    found["encode"] = (latent["samples"] - exact.encode(pixels)).abs().max().item()
    found["reports"] = [report, encode_report]
    tiles, report = decoded(vae, samples, tiling="always", tile_size=64)
    found["tiles"] = (tiles - image).abs().max().item()
    found["tiles report"] = report

    # The last layer alone overflows: infinity, which clamping would make white.
    weights = dict(WEIGHTS)
    for part in ("weight", "bias"):
        weights[f"taesd_decoder.19.{part}"] = WEIGHTS[f"taesd_decoder.19.{part}"] * 60000
    white = new_vae(weights, torch.float16)
    found["white in core"] = as_core(white, samples).isfinite().all().item()
    found["white"] = decoded(white, samples)[1]

    for key in ("taesd_decoder.19.bias", "taesd_encoder.14.bias"):
        weights[key] = torch.full_like(WEIGHTS[key], torch.nan)
    for dtype in (torch.float32, torch.float16):
        broken = new_vae(weights, dtype)
        found[f"broken {dtype}"] = [
            raised(partial(decoded, broken, samples)),
            raised(partial(encoded, broken, pixels)),
        ]
    sick = samples.clone()
    sick[0, 0, 0, 0] = torch.inf
    found["latent"] = raised(lambda: decoded(vae, sick))
    sick = pixels.clone()
    sick[0, 5, 5, 1] = torch.nan
    found["pixels"] = raised(lambda: encoded(vae, sick))

    # Partly loaded, as --lowvram does it: the copy starts from an unloaded model.
    vae.patcher.load(CPU, lowvram_model_memory=vae.model_size() / 2)
    found["lowvram"] = torch.equal(decoded(vae, samples)[0], image)

    tight = new_vae(overflowing(), torch.float16)
    failures = [1]

    class Tight(comfy.model_patcher.ModelPatcher):
        def partially_load(self, *given: Any, **named: Any) -> Any:
            if self.model.taesd_decoder[1].weight.dtype == torch.float32 and failures.pop():
                failures.append(0)
                raise torch.OutOfMemoryError(OUT_OF_MEMORY)
            return super().partially_load(*given, **named)

    # Newer cores look their class of patchers up under a second name.
    names = [n for n in ("ModelPatcher", "CoreModelPatcher") if hasattr(comfy.model_patcher, n)]
    own = comfy.model_patcher.ModelPatcher
    for name in names:
        setattr(comfy.model_patcher, name, Tight)
    try:
        image_too, report = decoded(tight, samples)
    finally:
        for name in names:
            setattr(comfy.model_patcher, name, own)
    found["tight"] = [torch.equal(image_too, image), report]
    return found
