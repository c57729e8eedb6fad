"""The experts of a checkpoint, stacked into the tensors of `model.moe.Experts`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import torch

from ..model.config import LlamaConfig, MoEConfig
from .weights import Weights, first_of, shape_problems

_MATRICES = ("gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class _Layout:
    """The names of an MoE block's tensors, after `model.layers.N.mlp.`.

    The routed experts' matrices are one stacked tensor, or one tensor per expert; the shared
    experts are always one dense block.
    """

    routed: str
    shared: str
    bias: str

    def matches(self, prefix: str, names: Collection[str]) -> bool:
        """Whether any of `names` is of this layout."""
        routed = (self.routed.format(expert=0, matrix=matrix) for matrix in _MATRICES)
        return any(prefix + name in names for name in (*routed, self.bias))


# `modeling_kohaku.py` of KohakuBlueleaf/KohakUwULLM; then dots.llm1 on the Hub, with the names that
# `modeling_dots1.py` of transformers saves.
_LAYOUTS = (
    _Layout("{matrix}", "shared_expert.{matrix}.weight", "expert_bias"),
    _Layout(
        "experts.{expert}.{matrix}.weight",
        "shared_experts.{matrix}.weight",
        "gate.e_score_correction_bias",
    ),
)


@dataclass(frozen=True)
class _Slice:
    """A tensor of the file and its place in a stack: the first expert and the first column.

    It is a stack of linear weights (`E, O, I`), or one linear weight for some experts of width
    `inner` that are concatenated along `axis`.
    """

    name: str
    shape: tuple[int, ...]
    expert: int
    column: int
    axis: int
    inner: int

    def copy_to(self, stack: torch.Tensor, tensor: torch.Tensor) -> None:
        """Write each expert's matrix, transposed, into `stack`."""
        matrices = tensor.split(self.inner, self.axis) if tensor.dim() == 2 else tensor.unbind(0)
        for expert, matrix in enumerate(matrices, self.expert):
            stack[expert, :, self.column : self.column + matrix.shape[0]] = matrix.t()


@dataclass(frozen=True)
class _Stack:
    """A parameter of `Experts` and the tensors of the file that it consists of."""

    shape: tuple[int, int, int]
    slices: tuple[_Slice, ...]


class StackedExpertWeights:
    """`weights` with the experts in the names and shapes of `Llama(config)`; itself a `Weights`.

    A layer's experts become `mlp.experts.gate_up` (`E, C, 2F`) and `mlp.experts.down` (`E, F, C`),
    the shared ones last. Every other tensor is passed on unchecked. One tensor of the file is read
    at a time. Raises ValueError that lists missing and misshapen experts.
    """

    def __init__(self, weights: Weights, config: LlamaConfig) -> None:
        self.source = weights.source
        self._weights = weights
        self._stacks: dict[str, _Stack] = {}
        self._renamed: dict[str, str] = {}
        moe = config.moe
        assert moe is not None, "a config without experts"
        layers = [n for n in range(config.num_hidden_layers) if config.is_moe_layer(n)]
        prefixes = [f"model.layers.{layer}.mlp." for layer in layers]
        layout = _detect_layout(prefixes, weights.shapes)
        if "{expert}" in layout.routed and moe.num_experts > len(weights.shapes):
            raise ValueError(
                f"{weights.source} has {len(weights.shapes)} tensors, its config asks for "
                f"{moe.num_experts} experts: take both from the same model"
            )
        for prefix in prefixes:
            self._stacks |= _stacks(layout, prefix, moe, config.hidden_size)
            self._renamed[prefix + "gate.expert_bias"] = prefix + layout.bias
        used: dict[str, tuple[int, ...]] = {
            one.name: one.shape for stack in self._stacks.values() for one in stack.slices
        }
        used |= dict.fromkeys(self._renamed.values(), (moe.num_experts,))
        problems = shape_problems(weights.shapes, used)
        if problems:
            raise ValueError(
                f"the experts of {weights.source} do not fit its config: {first_of(problems)}. "
                "Copy all files from the same model."
            )
        self.shapes: Mapping[str, tuple[int, ...]] = {
            # A file without shared experts may have empty matrices for them.
            **{
                name: shape
                for name, shape in weights.shapes.items()
                if name not in used and 0 not in shape
            },
            **{name: weights.shapes[stored] for name, stored in self._renamed.items()},
            **{name: stack.shape for name, stack in self._stacks.items()},
        }

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor, on the CPU: a stack in `dtype`, another one as `weights` gives it."""
        if name not in self._stacks:
            return self._weights.read(self._renamed.get(name, name), dtype)
        stack = torch.empty(self._stacks[name].shape, dtype=dtype)
        for one in self._stacks[name].slices:
            one.copy_to(stack, self._weights.read(one.name, dtype))
        return stack


def _detect_layout(prefixes: Collection[str], names: Collection[str]) -> _Layout:
    """Return the layout of `names`; Kohaku's if they name no expert."""
    for layout in _LAYOUTS:
        if any(layout.matches(prefix, names) for prefix in prefixes):
            return layout
    return _LAYOUTS[0]


def _stacks(layout: _Layout, prefix: str, moe: MoEConfig, hidden: int) -> dict[str, _Stack]:
    """Return the two stacks of a layer whose tensors have the names of `layout`."""
    inner, number = moe.intermediate_size, moe.num_experts

    def slices(matrix: str, column: int) -> Iterator[_Slice]:
        axis = 1 if matrix == "down_proj" else 0
        for expert in range(number if "{expert}" in layout.routed else 1):
            name = prefix + layout.routed.format(expert=expert, matrix=matrix)
            shape: tuple[int, ...] = (hidden, inner) if axis else (inner, hidden)
            if "{expert}" not in layout.routed:
                shape = (number, *shape)
            yield _Slice(name, shape, expert, column, axis, inner)
        if moe.num_shared_experts:
            name = prefix + layout.shared.format(matrix=matrix)
            width = inner * moe.num_shared_experts
            shape = (hidden, width) if axis else (width, hidden)
            yield _Slice(name, shape, number, column, axis, inner)

    total = number + moe.num_shared_experts
    gate_up = (*slices("gate_proj", 0), *slices("up_proj", inner))
    return {
        prefix + "experts.gate_up": _Stack((total, hidden, 2 * inner), gate_up),
        prefix + "experts.down": _Stack((total, inner, hidden), tuple(slices("down_proj", 0))),
    }
