"""Shallow copies of a VAE that report or change how core runs it; the VAE itself is not changed.

The copies share the weights and must not be part of a reference cycle: a cycle would keep the
weights in memory until the next garbage collection.
"""

from __future__ import annotations

import copy
from typing import Any

import comfy.ldm.models.autoencoder
import torch

from ...tipo_core.pictures.vae.row_strips import StripExecutor, supports_strips
from ...tipo_core.pictures.vae.tiling import RowStrips
from ..memory import check_interrupt

# The methods to which core's decode and encode switch without notice when memory runs out.
_TILED_METHODS = tuple(
    name
    for verb in ("decode", "encode")
    for name in (*(f"{verb}_tiled_{kind}" for kind in ("", "1d", "3d")), f"_{verb}_tiled_owned")
)


class FiniteCheck:
    """Records whether all values that passed through `check` are finite."""

    def __init__(self) -> None:
        self.is_finite = True

    def check(self, values: torch.Tensor) -> torch.Tensor:
        """Return `values` unchanged."""
        # The sum is finite if all terms are: one pass, and no mask of the size of the values.
        if not torch.isfinite(values.sum()) and not torch.isfinite(values).all():
            self.is_finite = False
        return values


def with_check(vae: Any, finite: FiniteCheck) -> Any:
    """Return a copy of a VAE whose decoded values pass through a check.

    The check sees them before core clamps them to 0..1, which turns infinity into white.
    """
    checked = copy.copy(vae)
    checked.process_output = lambda image: vae.process_output(finite.check(image))
    return checked


def without_silent_tiles(vae: Any) -> Any:
    """Return a copy of a VAE whose `decode` and `encode` raise MemoryError if memory runs out.

    Core's own catch the error and switch to tiles of their own size, unknown to the caller. They do
    so after the tensors of the failed run are freed.
    """
    device = vae.device

    def refuse(*args: Any, **named: Any) -> torch.Tensor:
        raise MemoryError(f"{device} is out of memory")

    strict = copy.copy(vae)
    for name in _TILED_METHODS:
        setattr(strict, name, refuse)
    return strict


def has_strips(vae: Any, verb: str) -> bool:
    """Return whether a VAE's encoder or decoder (by the verb) can be computed in strips."""
    model = vae.first_stage_model
    return (
        vae.latent_dim == 2
        and isinstance(model, comfy.ldm.models.autoencoder.AutoencodingEngine)
        and supports_strips(getattr(model, f"{verb}r"))
    )


def in_strips(vae: Any, verb: str, height: int, width: int, strips: RowStrips) -> Any:
    """Return a copy of a VAE that computes its encoder or decoder in strips of rows.

    `height` and `width` are the picture's in pixels. The layers are the VAE's own; the activations
    between them are kept on ComfyUI's device for pictures.
    """
    rows = strips.rows(width)
    strip_runner = StripExecutor(rows, vae.device, vae.output_device, check_interrupt)
    model = copy.copy(vae.first_stage_model)
    # The copy of a module shares its table of submodules: replace a part in a table of its own.
    model._modules = dict(model._modules)
    name = f"{verb}r"
    coder = model._modules[name]
    compute = strip_runner.decode if verb == "decode" else strip_runner.encode
    # One more layer follows an encoder, on the device.
    model._modules[name] = lambda x: compute(coder, x).to(x.device)
    stripped = copy.copy(vae)
    stripped.first_stage_model = model
    estimate = f"memory_used_{verb}"
    full = getattr(vae, estimate)
    share = min(rows / height, 1.0)
    setattr(stripped, estimate, lambda shape, dtype: full(shape, dtype) * share)
    return stripped
