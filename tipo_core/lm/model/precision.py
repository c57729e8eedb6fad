"""In what numbers a model is kept and computed."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..kernels.fp16_linear import is_half_fast


@dataclass(frozen=True)
class Precision:
    """What a model computes in, and what its matrices are kept in where that is something else."""

    name: str
    dtype: torch.dtype
    matrices: torch.dtype | None = None


FULL = Precision("fp32", torch.float32)
_FLOATS = {"bf16": torch.bfloat16, "fp16": torch.float16}
PRECISIONS = ("auto", FULL.name, *_FLOATS, "int8")


def resolve(name: str, device: torch.device, half: torch.dtype) -> Precision:
    """Return the precision called `name` for a model on `device`.

    auto is `half`, which the accelerator likes best, or fp16 on a CPU, where fp32 is computed with
    all the same; a processor that has no kernel for that takes fp32. An unknown name is a
    ValueError.
    """
    if name not in PRECISIONS:
        raise ValueError(f"precision {name!r} is unknown: choose {', '.join(PRECISIONS)}")
    if name == FULL.name:
        return FULL
    is_cpu = device.type == "cpu"
    if name == "int8":
        return Precision(name, torch.float32 if is_cpu else half, torch.int8)
    if not is_cpu:
        dtype = _FLOATS.get(name, half)
        return Precision(str(dtype).removeprefix("torch."), dtype)
    if name == "auto" and not is_half_fast():
        return FULL
    if name in ("auto", "fp16") and is_half_fast():
        return Precision("fp16", torch.float32, torch.float16)
    return Precision(name, _FLOATS[name])
