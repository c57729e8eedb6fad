"""The number formats in which a VAE can be loaded, and whether a device can compute in them.

They have a file of their own because it needs torch: `vae_choice` and `load_report` do not.
"""

from __future__ import annotations

import torch

AUTO = "auto"
DTYPES: dict[str, torch.dtype | None] = {
    AUTO: None,  # ComfyUI's choice
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


def vae_dtype(precision: str, device: torch.device) -> torch.dtype | None:
    """The dtype of a precision; None for ComfyUI's choice ("auto").

    Raises ValueError for an unknown precision, and for one in which the device cannot compute a
    convolution (a tiny one is run).
    """
    if precision not in DTYPES:
        raise ValueError(f"precision {precision!r} is unknown: choose {', '.join(DTYPES)}")
    dtype = DTYPES[precision]
    if dtype is not None and (problem := dtype_problem(dtype, device)):
        raise ValueError(f"precision {precision}: {problem} Choose auto or fp32.")
    return dtype


def dtype_problem(dtype: torch.dtype, device: torch.device) -> str | None:
    """The reason that the device cannot compute a convolution in `dtype`, or None."""
    try:
        one = torch.ones(1, 1, 1, 1, device=device).to(dtype)
        torch.nn.functional.conv2d(one, one)
    except (RuntimeError, TypeError) as error:
        return f"the device {device} cannot compute in it ({str(error).splitlines()[0]})."
    return None


def precision_name(dtype: torch.dtype) -> str:
    """The name of a dtype in the menu of precisions, else torch's name of it."""
    names = {known: name for name, known in DTYPES.items() if known is not None}
    return names.get(dtype, str(dtype).removeprefix("torch."))
