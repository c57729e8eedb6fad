"""A digest of a model as it is, patches included: a saved training fits this model alone."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import torch

from .injected_layers import outside_inference

_SAMPLES = 64  # values of each weight, for the order of its values; their sum sees each of them
_DEEPEST = 16  # objects in objects


def model_digest(patcher: Any) -> str:
    """Return a digest of a model: its weights, patches, sampling and options.

    Of each weight it takes the sum of all bits and some values, of a patch all values. Functions
    count by their names and the values that they hold.
    """
    digest = _Digest()
    for key, parts in patcher.get_key_patches().items():
        (weight, _), *patches = parts
        digest.add_text(key)
        digest.add_weight(weight)
        digest.add(patches)
    digest.add(getattr(patcher, "object_patches", {}))
    digest.add(getattr(patcher.model, "model_sampling", None))
    digest.add({**patcher.model_options, "wrappers": getattr(patcher, "wrappers", {})})
    return digest.text()


class _Digest:
    """Takes in values of all kinds; an object that holds itself counts once."""

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=8)
        self._open: set[int] = set()

    def text(self) -> str:
        return self._digest.hexdigest()

    def add_text(self, text: str) -> None:
        self._digest.update(text.encode("utf-8", "surrogatepass") + b"\0")

    def add_weight(self, weight: Any) -> None:
        """Take in a tensor that may be large: the sum of its bits, and some values."""
        if not isinstance(weight, torch.Tensor):
            return self.add(weight)
        self.add_text(f"{type(weight).__name__}{tuple(weight.shape)}{weight.dtype}")
        is_plain = type(weight) in (torch.Tensor, torch.nn.Parameter) and not weight.is_meta
        if is_plain and weight.numel():
            flat = outside_inference(weight).reshape(-1)
            some = flat[:: max(len(flat) // _SAMPLES, 1)][:_SAMPLES]
            self._digest.update(some.to("cpu", torch.float32).numpy().tobytes())
            self.add_text(str(_sum_of_bits(flat.contiguous())))

    def add(self, value: Any) -> None:
        """Take in a value of any kind."""
        if isinstance(value, torch.Tensor):
            self._add_tensor(value)
        elif value is None or isinstance(value, (bool, int, float, str, torch.dtype, torch.device)):
            self.add_text(f"{type(value).__name__} {value}")
        elif id(value) not in self._open and len(self._open) < _DEEPEST:
            self._open.add(id(value))
            self._add_object(value)
            self._open.discard(id(value))

    def _add_tensor(self, tensor: torch.Tensor) -> None:
        self.add_text(f"{tuple(tensor.shape)}{tensor.dtype}")
        if type(tensor) in (torch.Tensor, torch.nn.Parameter) and not tensor.is_meta:
            flat = outside_inference(tensor).reshape(-1).cpu().contiguous()
            self._digest.update(flat.view(torch.uint8).numpy().tobytes())

    def _add_object(self, value: Any) -> None:
        if isinstance(value, Mapping):
            for key in sorted(value, key=str):
                self.add_text(str(key))
                self.add(value[key])
        elif isinstance(value, (list, tuple)):
            for one in value:
                self.add(one)
        elif isinstance(value, functools.partial):
            self.add([value.func, value.args, value.keywords])
        elif isinstance(value, torch.nn.Module):
            self.add_text(" ".join(kind.__qualname__ for kind in type(value).__mro__))
            self.add(dict(value.named_parameters()))
            self.add(dict(value.named_buffers()))
        elif hasattr(value, "__qualname__"):  # a function, a method or a class
            self.add_text(f"{getattr(value, '__module__', '')}.{value.__qualname__}")
            self.add(getattr(value, "__defaults__", None))
            for cell in getattr(value, "__closure__", None) or ():
                with suppress(ValueError):  # a variable that has no value yet
                    self.add(cell.cell_contents)
            self.add(getattr(value, "__self__", None))
        else:
            self.add_text(f"{type(value).__module__}.{type(value).__qualname__}")
            self.add(getattr(value, "__dict__", None))


def _sum_of_bits(flat: torch.Tensor) -> int:
    """Return the sum of a tensor's memory as whole numbers of the widest kind that fits."""
    size = flat.element_size()
    for wide, kind in ((8, torch.int64), (4, torch.int32), (2, torch.int16), (1, torch.int8)):
        if len(flat) * size % wide == 0 and flat.storage_offset() * size % wide == 0:
            return int(flat.view(torch.int8).view(kind).sum(dtype=torch.int64).item())
    raise AssertionError("bytes always fit")
