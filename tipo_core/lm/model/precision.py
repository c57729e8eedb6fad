"""The precisions of the menu: the dtypes in which a model is stored and computed."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..kernels.fp16_linear import has_fp16_kernel


@dataclass(frozen=True)
class Precision:
    """The dtype of the computation, and in `matrices` that of the stored matrices if it differs."""

    name: str
    dtype: torch.dtype
    matrices: torch.dtype | None = None


FULL = Precision("fp32", torch.float32)
_FLOATS = {"bf16": torch.bfloat16, "fp16": torch.float16}
PRECISIONS = ("auto", FULL.name, *_FLOATS, "int8")


def resolve(name: str, device: torch.device, half: torch.dtype) -> Precision:
    """Return the precision called `name`, one of `PRECISIONS`, for a model on `device`.

    `auto` is `half`, the accelerator's preferred 16-bit dtype. On a CPU it is fp16 matrices with
    fp32 computation, or fp32 where the processor lacks the kernel. Raises ValueError for an unknown
    name.
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
    if name == "auto" and not has_fp16_kernel():
        return FULL
    if name in ("auto", "fp16") and has_fp16_kernel():
        return Precision("fp16", torch.float32, torch.float16)
    return Precision(name, _FLOATS[name])
