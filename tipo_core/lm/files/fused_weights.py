"""Conversions from the tensors of a Hugging Face checkpoint to the parameters of `Llama`.

Each class is a `Weights` that reads from another one, so conversions can be chained.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ..kernels.int8_linear import hadamard_rotate, hadamard_rotate_columns, quantize_rows
from ..model.config import LlamaConfig
from .weights import Weights

# Names of `Llama` after `layers.N.` to the Hugging Face names after `model.layers.N.`, in the order
# of the rows of a fused matrix. A name that is missing here is the same in both.
_QKV = ("self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight")
_LAYER = {
    "self_attn.qkv_proj.norm.weight": ("input_layernorm.weight",),
    "self_attn.qkv_proj.linear.weight": _QKV,
    "mlp.gate_up_proj.norm.weight": ("post_attention_layernorm.weight",),
    "mlp.gate_up_proj.linear.weight": ("mlp.gate_proj.weight", "mlp.up_proj.weight"),
    "mlp.norm.weight": ("post_attention_layernorm.weight",),
}
# The same for tensors outside the layers.
_EMBEDDING, _HEAD = "model.embed_tokens.weight", "lm_head.weight"
_OUTSIDE = {
    "embedding.weight": _EMBEDDING,
    "norm.weight": "model.norm.weight",
    "head.norm.weight": "model.norm.weight",
    "head.linear.weight": _HEAD,
}

# Tensors of an MoE block that read or write the residual stream, after `mlp.`.
_MOE_TENSORS = ("norm.weight", "gate.weight", "experts.gate_up", "experts.down")
_MOE_NORM = "mlp.norm.weight"


def hf_slices(name: str, rows: int, config: LlamaConfig) -> list[tuple[str, int]]:
    """Return the Hugging Face tensors, and their row counts, that make up our tensor `name`."""
    if name in _OUTSIDE:
        return [(_OUTSIDE[name], rows)]
    layers, number, rest = name.split(".", 2)
    names = _LAYER.get(rest, (rest,))
    heights = [rows // len(names)] * len(names)
    if names is _QKV:
        keys = config.num_key_value_heads * config.head_dim
        heights = [config.num_attention_heads * config.head_dim, keys, keys]
    return [
        (f"model.{layers}.{number}.{hf_name}", height)
        for hf_name, height in zip(names, heights, strict=True)
    ]


def hf_shapes(state: Mapping[str, torch.Tensor], config: LlamaConfig) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the Hugging Face checkpoint of a float model with `state`."""
    return {
        hf_name: (rows, *weight.shape[1:])
        for name, weight in state.items()
        for hf_name, rows in hf_slices(name, len(weight), config)
    }


def to_hf_state_dict(
    state: Mapping[str, torch.Tensor], config: LlamaConfig
) -> dict[str, torch.Tensor]:
    """Return a float model's `state` under Hugging Face names; the tensors are views."""
    result: dict[str, torch.Tensor] = {}
    for name, weight in state.items():
        names, heights = zip(*hf_slices(name, len(weight), config), strict=True)
        result.update(zip(names, weight.split(heights), strict=True))
    return result


def check_tied_head(weights: Weights, config_name: str) -> None:
    """Raise ValueError if `weights` have an output head that differs from the tied embedding.

    A second copy of the embedding is common. A head of its own would be ignored.
    """
    if _HEAD not in weights.shapes:
        return
    head, embedding = (weights.read(name, torch.float32) for name in (_HEAD, _EMBEDDING))
    if not torch.equal(head, embedding):
        raise ValueError(
            f"{weights.source} has a {_HEAD} that differs from {_EMBEDDING}, but {config_name} "
            "sets tie_word_embeddings: take all files from the same model"
        )


class FusedWeights:
    """`weights` under the names of `Llama`, with matrices that share an input concatenated.

    `state` has the shapes of the model; it may be on the meta device.
    """

    def __init__(
        self, weights: Weights, state: Mapping[str, torch.Tensor], config: LlamaConfig
    ) -> None:
        self.source = weights.source
        self._weights = weights
        self._hf_names = {
            name: [hf_name for hf_name, _ in hf_slices(name, len(weight), config)]
            for name, weight in state.items()
        }
        self.shapes = {name: tuple(one.shape) for name, one in state.items()}

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor, in `dtype` if it is concatenated."""
        tensors = [self._weights.read(hf_name, dtype) for hf_name in self._hf_names[name]]
        return tensors[0] if len(tensors) == 1 else torch.cat(tensors)


class UntiedWeights:
    """`weights` of a model with tied embeddings, with the output head as a tensor of its own."""

    def __init__(self, weights: Weights) -> None:
        self.source = weights.source
        self._weights = weights
        self.shapes = {**weights.shapes, _HEAD: weights.shapes[_EMBEDDING]}

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor; the output head is the embedding."""
        return self._weights.read(_EMBEDDING if name == _HEAD else name, dtype)


class FoldedNorms:
    """Fused `weights` for layers that are a norm and a matrix in one, such as Fp16RMSNormLinear.

    The norm's weight is multiplied into the columns of the matrix. `normed` holds the names of the
    matrices that it was folded into.
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
        folded = {f"{layer}.{part}.weight" for layer in layers for part in ("norm", "linear")}
        self.shapes: dict[str, tuple[int, ...]] = {
            name: shape for name, shape in weights.shapes.items() if name not in folded
        }
        for layer in layers:
            self.shapes[f"{layer}.weight"] = weights.shapes[f"{layer}.linear.weight"]

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor; a matrix with a folded norm in fp32."""
        if name not in self.normed:
            return self._weights.read(name, dtype)
        layer = name.removesuffix(".weight")
        norm = self._weights.read(f"{layer}.norm.weight", torch.float32)
        return self._weights.read(f"{layer}.linear.weight", torch.float32).float() * norm.float()


class Int8Weights:
    """Weights with `folded` norms for a model of `Int8Operations`.

    Each matrix of a linear layer becomes int8 and gets its `scales`. All matrices are rotated, and
    the embedding with them, so that the residual stream is rotated too; so are the values of
    attention, head by head (see `kernels.int8_linear`). Routers and experts stay in floats and take
    a rotated stream.
    """

    def __init__(self, folded: FoldedNorms, config: LlamaConfig) -> None:
        self.source = folded.source
        self._head_dim = config.head_dim
        self._value_rows = config.num_key_value_heads * config.head_dim
        self._folded = folded
        self._scales: dict[str, torch.Tensor] = {}
        matrices = {n for n in folded.shapes if n in folded.normed or n.endswith("_proj.weight")}
        self.shapes: dict[str, tuple[int, ...]] = dict(folded.shapes)
        for name in matrices:
            self.shapes[_scales_name(name)] = folded.shapes[name][:1]
        self._matrices = matrices

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor; a matrix must be read before its scales."""
        if name in self._scales:
            return self._scales.pop(name)
        if name == "embedding.weight":
            return hadamard_rotate(self._floats(name))
        layer, _, kind = name.rpartition("mlp.")
        if kind in _MOE_TENSORS and layer + _MOE_NORM in self.shapes:
            return self._rotated_moe(layer, kind)
        if name not in self._matrices:
            return self._folded.read(name, dtype)
        rows = self._floats(name)
        rows = hadamard_rotate(rows, self._head_dim if name.endswith("o_proj.weight") else 0)
        if name not in self._folded.normed:
            # The output is added to the rotated residual stream.
            rows = hadamard_rotate_columns(rows)
        elif name.endswith("qkv_proj.weight"):
            values = rows[-self._value_rows :]
            rows[-self._value_rows :] = hadamard_rotate_columns(values, self._head_dim)
        quantized = torch.empty(self.shapes[name], dtype=torch.int8)
        self._scales[_scales_name(name)] = quantize_rows(rows, quantized)
        return quantized

    def _rotated_moe(self, layer: str, kind: str) -> torch.Tensor:
        """Return a tensor of an MoE block, rotated, with the block's norm folded into it."""
        norm = self._floats(layer + _MOE_NORM)
        if kind == "norm.weight":
            return torch.ones_like(norm)
        weight = self._floats(f"{layer}mlp.{kind}")
        if kind == "gate.weight":
            return hadamard_rotate(weight * norm)
        if kind == "experts.down":
            return hadamard_rotate(weight)
        return hadamard_rotate(weight.transpose(1, 2) * norm).transpose(1, 2)

    def _floats(self, name: str) -> torch.Tensor:
        return self._folded.read(name, torch.float32).float()


def _scales_name(name: str) -> str:
    return name.removesuffix("weight") + "scales"
