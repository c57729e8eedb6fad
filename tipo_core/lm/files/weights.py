"""From stored tensors to a model: every tensor is used, every parameter is filled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch

_SHOWN = 8


class Weights(Protocol):
    """The tensors of one model as they are stored, under their Hugging Face names."""

    @property
    def source(self) -> str:
        """The file as an error calls it."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of every tensor."""

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor, on the CPU: in `dtype` if it must be computed, else as it is stored.

        It may be a view of the file: copy what is to be kept.
        """


def check(
    weights: Weights, wanted: Mapping[str, tuple[int, ...]], described_by: str, is_tied: bool
) -> None:
    """Raise a ValueError that lists the tensors that are missing, unknown or misshapen.

    `described_by` is the file that says what should be there. Two kinds of extra tensors say
    nothing new and are left out: the rotary frequencies that old exports carry, and the output
    head of a model whose head is its embedding.
    """
    given = {
        name: shape
        for name, shape in weights.shapes.items()
        if not name.endswith("rotary_emb.inv_freq")
    }
    if is_tied:
        given.pop("lm_head.weight", None)
    problems = [f"missing {name}" for name in wanted if name not in given]
    problems += [f"unknown {name}" for name in given if name not in wanted]
    problems += [
        f"{name} is {given[name]} and should be {wanted[name]}"
        for name in wanted
        if name in given and given[name] != wanted[name]
    ]
    if problems:
        more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise ValueError(
            f"{weights.source} does not fit {described_by}: "
            f"{'; '.join(problems[:_SHOWN])}{more}. Copy all files from the same model."
        )


def fill(model: torch.nn.Module, weights: Weights, state: Mapping[str, torch.Tensor]) -> None:
    """Give each parameter of `model` its tensor, in the shape and dtype that `state` has for it.

    `state` is described by the configuration and not asked of `model`, whose layers may have no
    weights yet: those of ComfyUI's DynamicVRAM have none before this. Each tensor is read once and
    copied, so that the model depends on no file; beside the model there is never more than one.
    """
    # Made before anything is read: what reading takes in between then leaves no holes behind.
    filled = {name: torch.empty(one.shape, dtype=one.dtype) for name, one in state.items()}
    for name, into in filled.items():
        into.copy_(weights.read(name, into.dtype))
    # Assigned, not copied: the model is a shape without memory until here.
    model.load_state_dict(filled, assign=True)
