"""Weights in the forms that a model computes with, made from those that files hold.

Each class is itself a `Weights`, so that one can stand behind another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch

from ..kernels.int8_linear import quantise, turned, turned_columns
from ..model.config import LlamaConfig
from .weights import Weights

# Our names, behind `layers.N.` or alone, and what they are called in a Hugging Face file, there
# behind `model.layers.N.` or alone.
_QKV = ("self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight")
_LAYER = {
    "self_attn.qkv_proj.norm.weight": ("input_layernorm.weight",),
    "self_attn.qkv_proj.linear.weight": _QKV,
    "mlp.gate_up_proj.norm.weight": ("post_attention_layernorm.weight",),
    "mlp.gate_up_proj.linear.weight": ("mlp.gate_proj.weight", "mlp.up_proj.weight"),
    "mlp.norm.weight": ("post_attention_layernorm.weight",),
}
_EMBEDDING, _HEAD = "model.embed_tokens.weight", "lm_head.weight"
_WHOLE = {
    "embedding.weight": _EMBEDDING,
    "norm.weight": "model.norm.weight",
    "head.norm.weight": "model.norm.weight",
    "head.linear.weight": _HEAD,
}


# What of a mixture of experts is a part of the stream between the layers, or reads it.
_EXPERTS = ("norm.weight", "gate.weight", "experts.gate_up", "experts.down")
_EXPERTS_NORM = "mlp.norm.weight"


def parts(name: str, rows: int, config: LlamaConfig) -> list[tuple[str, int]]:
    """Return the tensors of a Hugging Face file that stand in our tensor `name`, and their rows."""
    if name in _WHOLE:
        return [(_WHOLE[name], rows)]
    layers, number, rest = name.split(".", 2)
    names = _LAYER.get(rest, (rest,))
    heights = [rows // len(names)] * len(names)
    if names is _QKV:
        keys = config.num_key_value_heads * config.head_dim
        heights = [config.num_attention_heads * config.head_dim, keys, keys]
    return [
        (f"model.{layers}.{number}.{part}", height)
        for part, height in zip(names, heights, strict=True)
    ]


def file_shapes(
    state: Mapping[str, torch.Tensor], config: LlamaConfig
) -> dict[str, tuple[int, ...]]:
    """Return the shapes that a Hugging Face file must hold for a float model of `state`."""
    return {
        part: (rows, *weight.shape[1:])
        for name, weight in state.items()
        for part, rows in parts(name, len(weight), config)
    }


def file_state(state: Mapping[str, torch.Tensor], config: LlamaConfig) -> dict[str, torch.Tensor]:
    """Return a model's state under the names that a Hugging Face file gives it; views of it."""
    return {
        part: rows for name, weight in state.items() for part, rows in _split(name, weight, config)
    }


def _split(
    name: str, weight: torch.Tensor, config: LlamaConfig
) -> Iterator[tuple[str, torch.Tensor]]:
    names, heights = zip(*parts(name, len(weight), config), strict=True)
    yield from zip(names, weight.split(heights), strict=True)


class FusedWeights:
    """`weights` under our names, with the matrices put together that read the same.

    `state` has the shapes of the model that they are for; it may lie on the meta device.
    """

    def __init__(
        self, weights: Weights, state: Mapping[str, torch.Tensor], config: LlamaConfig
    ) -> None:
        self.source = weights.source
        self._weights = weights
        self._parts = {
            name: [part for part, _ in parts(name, len(weight), config)]
            for name, weight in state.items()
        }
        self.shapes = {name: tuple(one.shape) for name, one in state.items()}

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor: what must be put together in `dtype`."""
        tensors = [self._weights.read(part, dtype) for part in self._parts[name]]
        return tensors[0] if len(tensors) == 1 else torch.cat(tensors)


class UntiedWeights:
    """`weights` whose output head, which is the embedding, is a matrix of its own."""

    def __init__(self, weights: Weights) -> None:
        self.source = weights.source
        self._weights = weights
        self.shapes = {**weights.shapes, _HEAD: weights.shapes[_EMBEDDING]}

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor."""
        return self._weights.read(_EMBEDDING if name == _HEAD else name, dtype)


class FoldedNorms:
    """Fused `weights` for layers that are a norm and a matrix in one.

    The norm is multiplied into the columns of the matrix; `normed` are the names of these.
    """

    def __init__(self, weights: Weights) -> None:
        self.source = weights.source
        self._weights = weights
        layers = [
            name.removesuffix(".linear.weight")
            for name in weights.shapes
            if name.endswith(".linear.weight")
        ]
        self.normed = frozenset(f"{layer}.weight" for layer in layers)
        parts = {f"{layer}.{part}.weight" for layer in layers for part in ("norm", "linear")}
        self.shapes: dict[str, tuple[int, ...]] = {
            name: shape for name, shape in weights.shapes.items() if name not in parts
        }
        for layer in layers:
            self.shapes[f"{layer}.weight"] = weights.shapes[f"{layer}.linear.weight"]

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor; a matrix with its norm in fp32."""
        if name not in self.normed:
            return self._weights.read(name, dtype)
        layer = name.removesuffix(".weight")
        norm = self._weights.read(f"{layer}.norm.weight", torch.float32)
        return self._weights.read(f"{layer}.linear.weight", torch.float32).float() * norm.float()


class IntegerWeights:
    """Weights with `folded` norms for a model of `IntegerOperations`.

    Each matrix of a linear layer becomes int8 and its `factors`. All are turned, and the embedding
    with them, so that what goes from layer to layer is turned, too: see `turned`. So are the
    values of attention, head by head. Routers and experts stay floats that read a turned stream.
    """

    def __init__(self, folded: FoldedNorms, config: LlamaConfig) -> None:
        self.source = folded.source
        self._head_dim = config.head_dim
        self._values = config.num_key_value_heads * config.head_dim
        self._folded = folded
        self._factors: dict[str, torch.Tensor] = {}
        matrices = {n for n in folded.shapes if n in folded.normed or n.endswith("_proj.weight")}
        self.shapes: dict[str, tuple[int, ...]] = dict(folded.shapes)
        for name in matrices:
            self.shapes[_factors_of(name)] = folded.shapes[name][:1]
        self._matrices = matrices

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor; a matrix must be read before its factors."""
        if name in self._factors:
            return self._factors.pop(name)
        if name == "embedding.weight":
            return turned(self._floats(name))
        layer, _, kind = name.rpartition("mlp.")
        if kind in _EXPERTS and layer + _EXPERTS_NORM in self.shapes:
            return self._turned_experts(layer, kind)
        if name not in self._matrices:
            return self._folded.read(name, dtype)
        rows = self._floats(name)
        rows = turned(rows, self._head_dim if name.endswith("o_proj.weight") else 0)
        if name not in self._folded.normed:
            # What comes out is added to the turned stream.
            rows = turned_columns(rows)
        elif name.endswith("qkv_proj.weight"):
            rows[-self._values :] = turned_columns(rows[-self._values :], self._head_dim)
        integers = torch.empty(self.shapes[name], dtype=torch.int8)
        self._factors[_factors_of(name)] = quantise(rows, integers)
        return integers

    def _turned_experts(self, layer: str, kind: str) -> torch.Tensor:
        """Return a tensor of a mixture of experts, its norm multiplied into what reads it."""
        norm = self._floats(layer + _EXPERTS_NORM)
        if kind == "norm.weight":
            return torch.ones_like(norm)
        weight = self._floats(f"{layer}mlp.{kind}")
        if kind == "gate.weight":
            return turned(weight * norm)
        if kind == "experts.down":
            return turned(weight)
        return turned(weight.transpose(1, 2) * norm).transpose(1, 2)

    def _floats(self, name: str) -> torch.Tensor:
        return self._folded.read(name, torch.float32).float()


def _factors_of(name: str) -> str:
    return name.removesuffix("weight") + "factors"
