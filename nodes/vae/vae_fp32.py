"""A VAE built again in fp32, for values that a smaller precision cannot hold.

The model of a VAE belongs to ComfyUI: pins, pages and patches hang on it, and a copy of these would
be freed twice. So ComfyUI builds a new VAE from the weights, and it is used where it is the same.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import comfy.model_patcher
import comfy.sd
import torch
from torch import nn

from ...tipo_core.memory import is_out_of_memory, with_second_try
from ...tipo_core.pictures.vae.vae_precision import precision_name

_SIZES = ("latent_channels", "latent_dim", "output_channels")
_RATIOS = (
    "spacial_compression_decode",
    "spacial_compression_encode",
    "temporal_compression_decode",
)
_PLAIN = (bool, int, float, str, type(None))


@contextmanager
def in_fp32(vae: Any, make_room: Callable[[], None]) -> Iterator[Any]:
    """Give a VAE with the same weights in fp32, under ComfyUI's model management, for a while.

    Raises ValueError where ComfyUI builds another VAE from the weights alone, RuntimeError where
    memory does not suffice after `make_room`.
    """
    fresh = with_second_try(
        lambda: _built_again(vae),
        make_room,
        f"{vae.device} has too little memory for the VAE in fp32: close what else uses the memory.",
    )
    # Settings that a node made on the VAE stay; the model and its patcher are new.
    precise = copy.copy(vae)
    precise.first_stage_model, precise.patcher = fresh.first_stage_model, fresh.patcher
    precise.vae_dtype = torch.float32
    precise.size = None
    try:
        yield precise
    finally:
        # The model manager forgets a model that nobody holds; the device is left at once.
        fresh.patcher.detach()


def _built_again(vae: Any) -> Any:
    own = vae.patcher
    state = {
        # In memory of its own: a weight on its device, or one that a patch was applied to, is the
        # host's to change.
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
    except Exception as error:  # of many types: it took the weights for another kind's
        if is_out_of_memory(error):
            raise
        raise ValueError(problem) from error
    if not _is_same_kind(fresh, vae):
        raise ValueError(problem)
    fresh.patcher.patches = {name: list(patches) for name, patches in own.patches.items()}
    fresh.patcher.patches_uuid = own.patches_uuid
    return fresh


def _is_same_kind(fresh: Any, vae: Any) -> bool:
    """Whether two VAEs compute the same from their weights.

    ComfyUI tells kinds of VAE apart by names, shapes and dtypes of weights, and some of them by the
    metadata of a file, which is gone.
    """
    made = fresh.first_stage_model
    if made is None or any(getattr(fresh, one) != getattr(vae, one) for one in _SIZES):
        return False
    if any(getattr(fresh, ratio)() != getattr(vae, ratio)() for ratio in _RATIOS):
        return False
    return _is_same_model(made, vae.first_stage_model)


def _is_same_model(fresh: nn.Module, live: nn.Module) -> bool:
    """Whether two models have the same classes, shapes and settings.

    `live` may have been loaded: the host's notes about that are on it alone, and do not count.
    """

    def classes(model: nn.Module) -> list[Any]:
        # By name: weight normalisation makes a class of its own for each module.
        return [
            (name, type(module).__module__, type(module).__qualname__)
            for name, module in model.named_modules()
        ]

    def shapes(model: nn.Module) -> dict[str, torch.Size]:
        return {name: weight.shape for name, weight in model.state_dict().items()}

    if classes(fresh) != classes(live) or shapes(fresh) != shapes(live):
        return False
    return all(
        _setting(value) == _setting(vars(other).get(name))
        for module, other in zip(fresh.modules(), live.modules(), strict=True)
        for name, value in vars(module).items()
        if not (name.startswith("_") or (module is fresh and name in _host_notes()))
    )


def _host_notes() -> frozenset[str]:
    """Return the names of the attributes that a patcher sets on a model when it takes it."""
    bare = nn.Module()
    cpu = torch.device("cpu")
    comfy.model_patcher.ModelPatcher(bare, load_device=cpu, offload_device=cpu)
    return frozenset(vars(bare).keys() - vars(nn.Module()).keys())


def _setting(value: Any) -> Any:
    """Return a plain value as it is; of anything else the name of its function or class."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, (list, tuple)):
        return [_setting(one) for one in value]
    return getattr(value, "__qualname__", type(value).__qualname__)
