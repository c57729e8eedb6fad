"""A digest of a model as it is, patches included: a saved training fits this model alone."""

from __future__ import annotations

import hashlib
from typing import Any

import torch

_SAMPLES = 64  # values of each weight; two trainings of one model differ in nearly all values


def model_digest(patcher: Any) -> str:
    """Return a digest of some values of each weight and each patch of a model."""
    digest = hashlib.blake2b(digest_size=8)
    for key, parts in patcher.get_key_patches().items():
        (weight, _), *patches = parts
        digest.update(key.encode("utf-8"))
        _add(digest, [weight, *patches])
    return digest.hexdigest()


def _add(digest: Any, value: Any) -> None:
    if isinstance(value, torch.Tensor):
        digest.update(f"{tuple(value.shape)}{value.dtype}".encode())
        if type(value) in (torch.Tensor, torch.nn.Parameter) and value.numel():
            flat = value.detach().reshape(-1)
            some = flat[:: max(len(flat) // _SAMPLES, 1)][:_SAMPLES]
            digest.update(some.to("cpu", torch.float32).numpy().tobytes())
    elif isinstance(value, (list, tuple)):
        for one in value:
            _add(digest, one)
    elif isinstance(value, (bool, int, float, str)):
        digest.update(repr(value).encode("utf-8", "surrogatepass"))
    elif hasattr(value, "weights"):  # a weight adapter of ComfyUI
        _add(digest, value.weights)
