"""The VAE nodes where memory runs out; part of hosted_vae.py."""

from __future__ import annotations

from typing import Any

import comfy.model_management as management
import torch

from tests.host.raised import raised
from tests.host.vae.vae_tools import (
    OUT_OF_MEMORY,
    as_core,
    decoded,
    encoded,
    new_vae,
    picture,
    state_of,
)

PIXEL_SPACE = {"pixel_space_vae": torch.tensor(1.0)}


class Limited:
    """Makes a VAE run out of memory above an area of its input; notes the sizes it was given."""

    def __init__(self, vae: Any, verb: str, limit: int, failures: int = 1000) -> None:
        self.limit, self.failures = limit, failures
        self.sizes: list[tuple[int, ...]] = []
        self.run = getattr(vae.first_stage_model, verb)
        setattr(vae.first_stage_model, verb, self)

    def __call__(self, values: torch.Tensor, **options: Any) -> torch.Tensor:
        size = tuple(values.shape[-2:])
        self.sizes.append(size)
        if size[0] * size[1] > self.limit and self.failures:
            self.failures -= 1
            raise torch.OutOfMemoryError(OUT_OF_MEMORY)
        result: torch.Tensor = self.run(values, **options)
        return result


def memory() -> dict[str, Any]:
    other = new_vae()
    found: dict[str, Any] = {}

    def is_loaded(one: Any) -> bool:
        return any(patcher is one.patcher for patcher in management.loaded_models())

    def load_other() -> None:
        management.load_models_gpu([other.patcher])
        assert is_loaded(other)

    # A VAE in pixel space does no computation, so only the log shows the attempts.
    samples, pixels = picture(1, 3, 320, 320) * 2 - 1, picture(1, 320, 320, 3)
    free = new_vae(PIXEL_SPACE)
    whole, whole_latent = as_core(free, samples), free.encode(pixels)

    def limited(verb: str, side: int, **more: Any) -> tuple[Any, Limited]:
        scarce = new_vae(PIXEL_SPACE)
        return scarce, Limited(scarce, verb, side * side, **more)

    load_other()
    decoded(free, samples)
    found["stays"] = is_loaded(other)

    scarce, log = limited("decode", 0, failures=1)
    image, report = decoded(scarce, samples)
    found["once"] = [torch.equal(image, whole), report, log.sizes, is_loaded(other)]

    load_other()
    scarce, log = limited("decode", 256)
    before = state_of(scarce)
    image, report = decoded(scarce, samples)
    close = torch.allclose(image, whole, atol=1e-5)
    found["tiles"] = [close, report, log.sizes[:3], is_loaded(other)]
    found["untouched"] = before == state_of(scarce)

    _, report = decoded(limited("decode", 256)[0], samples, tile_size=256, overlap=128)
    found["limited overlap"] = report
    scarce, log = limited("decode", 128)
    image, report = decoded(scarce, samples)
    found["halved"] = [report, log.sizes[:4]]
    found["floor"] = raised(lambda: decoded(limited("decode", 0)[0], samples))
    scarce, log = limited("decode", 256)
    found["never"] = [raised(lambda: decoded(scarce, samples, tiling="never")), log.sizes]

    scarce, log = limited("encode", 256)
    latent, report = encoded(scarce, pixels)
    close = torch.allclose(latent["samples"], whole_latent, atol=1e-5)
    found["encode"] = [close, report, log.sizes[:3]]
    found["encode floor"] = raised(lambda: encoded(limited("encode", 0)[0], pixels))

    scarce = new_vae(PIXEL_SPACE)
    scarce.first_stage_model.decode = lambda values: 1 / 0
    found["other error"] = raised(lambda: decoded(scarce, samples))
    return found
