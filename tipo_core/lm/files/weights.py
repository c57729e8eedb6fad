"""From stored tensors to a model: each tensor is checked, each parameter gets its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch

_MAX_SHOWN = 8
_SAME_SIZE = {torch.float16: "F16", torch.bfloat16: "BF16"}
_OTHER = {torch.float16: torch.bfloat16, torch.bfloat16: torch.float16}
_LEAST_CHECKED = 1024  # values of a sample
# The 90th percentile of a matrix's magnitudes is 9 to 1,000 times the 10th. F16 read as BF16 has
# eight times the exponents, so more than a billion; BF16 read as F16 an eighth, so less than 4.
_WIDE, _NARROW, _NEVER_SMALL = 1e6, 4.0, 0.25
_MAX_PHRASE = 160  # characters; a damaged file may have a name of any length


class Weights(Protocol):
    """The tensors of one model by name; each reader and each conversion is such a source."""

    @property
    def source(self) -> str:
        """The file's name in errors."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of every tensor."""

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor, on the CPU: in `dtype` if it must be computed, else as it is stored.

        It may be a view of the file, so a caller that keeps it must copy it.
        """


def check_finite(values: torch.Tensor, name: str, source: str) -> None:
    """Raise ValueError that names tensor and file if a value is NaN or infinite.

    Values are read once; the extremes are NaN if any value is.
    """
    if values.numel() and not torch.stack(values.aminmax()).isfinite().all():
        raise ValueError(
            f"{source} is damaged (NaN or infinite values in {name}): download it again"
        )


def check_label(values: torch.Tensor, name: str, source: str) -> None:
    """Raise ValueError for a matrix of F16 values that are labelled BF16, or the reverse.

    The two types have one size, and one read as the other is finite: F16's weights then spread over
    many powers of ten, BF16's lie between 0.5 and 2. A sample of the matrix is read. Vectors,
    small and constant matrices are not checked.
    """
    if values.ndim < 2 or values.numel() < _LEAST_CHECKED or values.dtype not in _SAME_SIZE:
        return
    flat = values.reshape(-1)
    sample = flat[:: max(1, flat.numel() // _LEAST_CHECKED)].float().abs()
    sample = sample[sample > 0]
    if sample.numel() < _LEAST_CHECKED // 2 or sample.amin() == sample.amax():
        return
    label, other = _SAME_SIZE[values.dtype], _SAME_SIZE[_OTHER[values.dtype]]
    low, high = torch.quantile(sample, sample.new_tensor([0.1, 0.9])).tolist()
    if values.dtype is torch.bfloat16:
        is_wrong = high > _WIDE * low
    else:
        is_wrong = high < _NARROW * low and low > _NEVER_SMALL
    if is_wrong:
        raise ValueError(
            f"{source} labels {shortened(name)} as {label}, but the weights can only be {other} "
            f"(most are from {low:.1e} to {high:.1e}): the label is wrong, download it again"
        )


def shape_problems(
    given: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]]
) -> list[str]:
    """Return one phrase for each tensor that is missing or has another shape than `wanted`."""
    missing = [f"missing {name}" for name in wanted if name not in given]
    return missing + [
        f"{name} is {given[name]} and should be {shape}"
        for name, shape in wanted.items()
        if name in given and given[name] != shape
    ]


def shortened(text: str) -> str:
    """Return `text` for an error, cut if it is long."""
    return text if len(text) <= _MAX_PHRASE else f"{text[:_MAX_PHRASE]}..."


def first_of(problems: list[str], separator: str = "; ") -> str:
    """Return the first problems as one phrase, with the number of the others."""
    shown = map(shortened, problems[:_MAX_SHOWN])
    more = f" and {len(problems) - _MAX_SHOWN} more" if len(problems) > _MAX_SHOWN else ""
    return f"{separator.join(shown)}{more}"


def check_shapes(
    weights: Weights, wanted: Mapping[str, tuple[int, ...]], config_name: str, is_tied: bool
) -> None:
    """Raise ValueError that lists the missing, unknown and misshapen tensors of `weights`.

    `config_name` is the file that the `wanted` shapes come from. Two kinds of redundant tensors
    are ignored: the rotary frequencies of old exports, and the output head of a model with tied
    embeddings (`is_tied`).
    """
    given = {
        name: shape
        for name, shape in weights.shapes.items()
        if not name.endswith("rotary_emb.inv_freq")
    }
    if is_tied:
        given.pop("lm_head.weight", None)
    problems = shape_problems(given, wanted)
    problems += [f"unknown {name}" for name in given if name not in wanted]
    if problems:
        raise ValueError(
            f"{weights.source} does not fit {config_name}: {first_of(problems)}. Copy all files "
            "from the same model."
        )


def assign_weights(
    model: torch.nn.Module, weights: Weights, state: Mapping[str, torch.Tensor]
) -> None:
    """Give each parameter of `model` its tensor, in the shape and dtype of `state`.

    `state` comes from the config and not from `model`, because the layers of ComfyUI's DynamicVRAM
    have no weights before this. Each tensor is read once and copied, so that the model does not
    depend on the file; at most one tensor is in memory besides the model.
    """
    # Allocated before reading, so that buffers of the reader do not fragment the heap.
    values = {name: torch.empty(one.shape, dtype=one.dtype) for name, one in state.items()}
    for name, value in values.items():
        value.copy_(weights.read(name, value.dtype))
    # Assigned, not copied: the model has no memory until here.
    model.load_state_dict(values, assign=True)
