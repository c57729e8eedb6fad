"""A second VAE with the same weights in fp32, for values that a smaller precision cannot hold.

A VAE's model must not be copied: ComfyUI attaches pinned memory, pages and patches to it, and those
of a copy would be freed twice. ComfyUI builds a new VAE from the weights instead; it is used if it
has the same classes, shapes and settings.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import comfy.sd
import torch
from torch import nn

from ...tipo_core.memory import is_out_of_memory, with_second_try
from ...tipo_core.pictures.vae.vae_precision import precision_name
from ..memory import patcher_attributes

_SIZES = ("latent_channels", "latent_dim", "output_channels")
_RATIOS = (
    "spacial_compression_decode",
    "spacial_compression_encode",
    "temporal_compression_decode",
)
_PLAIN = (bool, int, float, str, type(None))


@contextmanager
def in_fp32(vae: Any, make_room: Callable[[], None]) -> Iterator[Any]:
    """Yield a VAE with the same weights in fp32, under ComfyUI's model management.

    Raises ValueError if ComfyUI builds another kind of VAE from the weights alone, and RuntimeError
    if the memory is not sufficient after `make_room`.
    """
    fresh = with_second_try(
        lambda: _built_again(vae),
        make_room,
        f"{vae.device} has too little memory for the VAE in fp32: close other programs that use "
        "the memory.",
    )
    # Keep settings that a node made on the VAE; the model and its patcher are new.
    precise = copy.copy(vae)
    precise.first_stage_model, precise.patcher = fresh.first_stage_model, fresh.patcher
    precise.vae_dtype = torch.float32
    precise.size = None
    try:
        yield precise
    finally:
        # Free the device now; the model manager drops a model without references later.
        fresh.patcher.detach()


def _built_again(vae: Any) -> Any:
    own = vae.patcher
    state = {
        # Copy: ComfyUI may move a weight, or change it when it applies or removes a patch.
        name: getattr(own.backup.get(name), "weight", weight).to("cpu", copy=True)
        for name, weight in vae.first_stage_model.state_dict().items()
    }
    problem = (
        f"The VAE gives NaN or infinite values in {precision_name(vae.vae_dtype)}, and ComfyUI "
        f"cannot build this kind ({type(vae.first_stage_model).__name__}) again in fp32 from "
        "its weights: set precision to fp32 in Load VAE."
    )
    try:
        fresh = comfy.sd.VAE(sd=state, device=own.load_device, dtype=torch.float32)
    except Exception as error:  # of any type, if ComfyUI takes them for another kind's weights
        if is_out_of_memory(error):
            raise
        raise ValueError(problem) from error
    if not _is_same_kind(fresh, vae):
        raise ValueError(problem)
    fresh.patcher.patches = {name: list(patches) for name, patches in own.patches.items()}
    fresh.patcher.patches_uuid = own.patches_uuid
    return fresh


def _is_same_kind(fresh: Any, vae: Any) -> bool:
    """Return whether two VAEs compute the same values from the same weights.

    ComfyUI detects the kind of a VAE by names, shapes and dtypes of its weights, and some kinds by
    the metadata of the file, which is no longer available.
    """
    made = fresh.first_stage_model
    if made is None or any(getattr(fresh, one) != getattr(vae, one) for one in _SIZES):
        return False
    if any(getattr(fresh, ratio)() != getattr(vae, ratio)() for ratio in _RATIOS):
        return False
    return _is_same_model(made, vae.first_stage_model)


def _is_same_model(fresh: nn.Module, live: nn.Module) -> bool:
    """Return whether two models have the same classes, shapes and settings.

    `live` may have been loaded: the attributes that its patcher set are ignored.
    """

    def classes(model: nn.Module) -> list[Any]:
        # Compare names: weight normalisation makes a new class for each module.
        return [
            (name, type(module).__module__, type(module).__qualname__)
            for name, module in model.named_modules()
        ]

    def shapes(model: nn.Module) -> dict[str, torch.Size]:
        return {name: weight.shape for name, weight in model.state_dict().items()}

    if classes(fresh) != classes(live) or shapes(fresh) != shapes(live):
        return False
    ignored = patcher_attributes()
    return all(
        _setting(value) == _setting(vars(other).get(name))
        for module, other in zip(fresh.modules(), live.modules(), strict=True)
        for name, value in vars(module).items()
        if not (name.startswith("_") or (module is fresh and name in ignored))
    )


def _setting(value: Any) -> Any:
    """Return a plain value unchanged, and the name of any other value's function or class."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, (list, tuple)):
        return [_setting(one) for one in value]
    return getattr(value, "__qualname__", type(value).__qualname__)
