"""Weights in the forms that a model computes with, made from those that files hold.

Each class is itself a `Weights`, so that one can stand behind another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch

from .config import LlamaConfig
from .integer_linear import normed_step, quantise
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


def file_shapes(model: torch.nn.Module, config: LlamaConfig) -> dict[str, tuple[int, ...]]:
    """Return what a Hugging Face file must hold for `model`, which computes in floats."""
    return {
        part: (rows, *weight.shape[1:])
        for name, weight in model.state_dict().items()
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
    """`weights` under our names, with the matrices put together that read the same."""

    def __init__(self, weights: Weights, model: torch.nn.Module, config: LlamaConfig) -> None:
        self.source = weights.source
        self._weights = weights
        self._parts = {
            name: [part for part, _ in parts(name, len(weight), config)]
            for name, weight in model.state_dict().items()
        }
        self.shapes = {name: tuple(one.shape) for name, one in model.state_dict().items()}

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


class IntegerWeights:
    """Fused `weights` for a model of `IntegerOperations`.

    Each matrix of a linear layer becomes int8 and its `factors`; a norm in front of it is
    multiplied into its columns.
    """

    def __init__(self, weights: Weights) -> None:
        self.source = weights.source
        self._weights = weights
        self._factors: dict[str, torch.Tensor] = {}
        # Each integer layer by its name: the float matrix and its norm.
        self._layers: dict[str, tuple[str, str | None]] = {}
        for name in weights.shapes:
            if name.endswith(".linear.weight"):
                layer = name.removesuffix(".linear.weight")
                self._layers[layer] = (name, f"{layer}.norm.weight")
            elif name.endswith("_proj.weight"):
                self._layers[name.removesuffix(".weight")] = (name, None)
        taken = {one for pair in self._layers.values() for one in pair}
        self.shapes: dict[str, tuple[int, ...]] = {
            name: shape for name, shape in weights.shapes.items() if name not in taken
        }
        for layer, (matrix, _) in self._layers.items():
            self.shapes[f"{layer}.weight"] = weights.shapes[matrix]
            self.shapes[f"{layer}.factors"] = weights.shapes[matrix][:1]

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor; a matrix must be read before its factors."""
        layer, _, kind = name.rpartition(".")
        if layer not in self._layers:
            return self._weights.read(name, dtype)
        if kind == "factors":
            return self._factors.pop(layer)
        matrix, norm = self._layers[layer]
        rows = self._weights.read(matrix, torch.float32).float()
        step = 1.0
        if norm is not None:
            rows = rows * self._weights.read(norm, torch.float32).float()
            step = normed_step(rows.shape[1])
        integers = torch.empty(self.shapes[name], dtype=torch.int8)
        self._factors[layer] = quantise(rows, integers).mul_(step)
        return integers
