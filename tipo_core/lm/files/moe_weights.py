"""The weights of a mixture of experts, as files hold them, in the stacks of `Experts`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import torch

from ..model.config import ExpertsConfig, LlamaConfig
from .weights import Weights

_SHOWN = 8
_MATRICES = ("gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class _Layout:
    """What a layer's tensors are called behind `model.layers.N.mlp.`.

    Routed experts are in one tensor a matrix, stacked, or in one a matrix and expert; shared ones
    are always one dense block.
    """

    routed: str
    shared: str
    bias: str

    def belongs(self, prefix: str, names: Collection[str]) -> bool:
        """Whether any of `names` is of this layout."""
        routed = (self.routed.format(expert=0, matrix=matrix) for matrix in _MATRICES)
        return any(prefix + name in names for name in (*routed, self.bias))


# `modeling_kohaku.py` of KohakuBlueleaf/KohakUwULLM, and dots.llm1 on the Hub, whose names are
# those that `modeling_dots1.py` of transformers saves.
_LAYOUTS = (
    _Layout("{matrix}", "shared_expert.{matrix}.weight", "expert_bias"),
    _Layout(
        "experts.{expert}.{matrix}.weight",
        "shared_experts.{matrix}.weight",
        "gate.e_score_correction_bias",
    ),
)


@dataclass(frozen=True)
class _Part:
    """A tensor of the file and where it goes: from which expert and which column on.

    It is a stack of linear weights (`E, O, I`), or one linear weight for some experts of width
    `inner` that stand side by side along `axis`.
    """

    name: str
    shape: tuple[int, ...]
    expert: int
    column: int
    axis: int
    inner: int

    def put(self, tensor: torch.Tensor, stack: torch.Tensor) -> None:
        """Write the single experts' matrices, transposed, into `stack`."""
        matrices = tensor.split(self.inner, self.axis) if tensor.dim() == 2 else tensor.unbind(0)
        for expert, matrix in enumerate(matrices, self.expert):
            stack[expert, :, self.column : self.column + matrix.shape[0]] = matrix.t()


@dataclass(frozen=True)
class _Stack:
    """A parameter of `Experts` and what it is put together from."""

    shape: tuple[int, int, int]
    parts: tuple[_Part, ...]


class StackedExperts:
    """`weights` under the names and in the shapes of `Llama(config)`; itself a `Weights`.

    A layer's experts become `mlp.experts.gate_up` (`E, C, 2F`) and `mlp.experts.down`
    (`E, F, C`), the shared ones last. Every other tensor is passed on as it is, for whoever fills
    the model to judge. What is missing of the experts or of another shape is a ValueError that
    lists it. One tensor of the file is read at a time.
    """

    def __init__(self, weights: Weights, config: LlamaConfig) -> None:
        self.source = weights.source
        self._weights = weights
        self._stacks: dict[str, _Stack] = {}
        self._renamed: dict[str, str] = {}
        experts = config.experts
        assert experts is not None, "a config without experts"
        layers = [n for n in range(config.num_hidden_layers) if config.has_experts(n)]
        prefixes = [f"model.layers.{layer}.mlp." for layer in layers]
        layout = _layout(prefixes, weights.shapes)
        if "{expert}" in layout.routed and experts.number > len(weights.shapes):
            raise ValueError(
                f"{weights.source} has {len(weights.shapes)} tensors, its config asks for "
                f"{experts.number} experts: take both from the same model"
            )
        for prefix in prefixes:
            self._stacks |= _stacks(layout, prefix, experts, config.hidden_size)
            self._renamed[prefix + "gate.expert_bias"] = prefix + layout.bias
        taken: dict[str, tuple[int, ...]] = {
            part.name: part.shape for stack in self._stacks.values() for part in stack.parts
        }
        taken |= dict.fromkeys(self._renamed.values(), (experts.number,))
        _check(taken, weights)
        self.shapes: Mapping[str, tuple[int, ...]] = {
            # Without shared experts some files have empty matrices for them.
            **{
                name: shape
                for name, shape in weights.shapes.items()
                if name not in taken and 0 not in shape
            },
            **{name: weights.shapes[stored] for name, stored in self._renamed.items()},
            **{name: stack.shape for name, stack in self._stacks.items()},
        }

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor in `dtype`, on the CPU, in memory of its own."""
        if name not in self._stacks:
            return self._weights.read(self._renamed.get(name, name), dtype)
        stack = torch.empty(self._stacks[name].shape, dtype=dtype)
        for part in self._stacks[name].parts:
            part.put(self._weights.read(part.name, dtype), stack)
        return stack


def _layout(prefixes: Collection[str], names: Collection[str]) -> _Layout:
    """Return the layout that `names` are of: Kohaku's if they name no expert."""
    for layout in _LAYOUTS:
        if any(layout.belongs(prefix, names) for prefix in prefixes):
            return layout
    return _LAYOUTS[0]


def _stacks(layout: _Layout, prefix: str, experts: ExpertsConfig, hidden: int) -> dict[str, _Stack]:
    """Return the two stacks of a layer whose tensors are of `layout`."""
    inner, number = experts.intermediate_size, experts.number

    def parts(matrix: str, column: int) -> Iterator[_Part]:
        axis = 1 if matrix == "down_proj" else 0
        for expert in range(number if "{expert}" in layout.routed else 1):
            name = prefix + layout.routed.format(expert=expert, matrix=matrix)
            shape: tuple[int, ...] = (hidden, inner) if axis else (inner, hidden)
            if "{expert}" not in layout.routed:
                shape = (number, *shape)
            yield _Part(name, shape, expert, column, axis, inner)
        if experts.shared:
            name = prefix + layout.shared.format(matrix=matrix)
            width = inner * experts.shared
            shape = (hidden, width) if axis else (width, hidden)
            yield _Part(name, shape, number, column, axis, inner)

    total = number + experts.shared
    gate_up = (*parts("gate_proj", 0), *parts("up_proj", inner))
    return {
        prefix + "experts.gate_up": _Stack((total, hidden, 2 * inner), gate_up),
        prefix + "experts.down": _Stack((total, inner, hidden), tuple(parts("down_proj", 0))),
    }


def _check(wanted: Mapping[str, tuple[int, ...]], weights: Weights) -> None:
    """Raise a ValueError that lists which of the `wanted` tensors are missing or misshapen."""
    shapes = weights.shapes
    problems = [f"missing {name}" for name in wanted if name not in shapes]
    problems += [
        f"{name} is {shapes[name]} and should be {shape}"
        for name, shape in wanted.items()
        if name in shapes and shapes[name] != shape
    ]
    if problems:
        more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise ValueError(
            f"the experts of {weights.source} do not fit its config: "
            f"{'; '.join(problems[:_SHOWN])}{more}. Copy all files from the same model."
        )
