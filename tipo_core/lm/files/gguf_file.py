"""A GGUF file's config and tensors, under the names of a Hugging Face checkpoint.

The mapping is our own because it is the inverse of llama.cpp's converter for the architectures of
TIPO. Quantized blocks are dequantized by the package `gguf`; plain tensors need no package.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from ...optional_imports import require
from ..model.config import LlamaConfig
from . import dots1_gguf
from .gguf_header import GgufHeader, StoredTensor
from .hf_config import parse_hf_config
from .weights import check_finite, check_label

_PLAIN = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
# Quantized blocks are dequantized in chunks of this many values, to bound the memory.
_VALUES_AT_ONCE = 1 << 20

_NAMES = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
# The same after `blk.N.` and `model.layers.N.`.
_LAYER = re.compile(r"blk\.(0|[1-9]\d*)\.(.+)")
_LAYER_NAMES = {
    "attn_norm.weight": "input_layernorm.weight",
    "attn_q.weight": "self_attn.q_proj.weight",
    "attn_k.weight": "self_attn.k_proj.weight",
    "attn_v.weight": "self_attn.v_proj.weight",
    "attn_output.weight": "self_attn.o_proj.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
    "ffn_gate.weight": "mlp.gate_proj.weight",
    "ffn_up.weight": "mlp.up_proj.weight",
    "ffn_down.weight": "mlp.down_proj.weight",
}


@dataclass(frozen=True)
class Architecture:
    """How llama.cpp's converter writes one architecture.

    `config` reads the metadata. `name` maps a GGUF tensor name to its Hugging Face name, an unknown
    one to itself. `permuted_heads` returns, for a Hugging Face name, the number of heads whose rows
    the converter has permuted; 0 for none.
    """

    config: Callable[[GgufHeader], LlamaConfig]
    name: Callable[[str], str]
    permuted_heads: Callable[[str, LlamaConfig], int]


def read_config(header: GgufHeader) -> LlamaConfig:
    """Return the config that the metadata of a GGUF file describes.

    Raises ValueError for an unsupported architecture, and for a missing or wrong value.
    """
    return _architecture(header).config(header)


class GgufWeights:
    """The tensors of a GGUF file; each one is memory-mapped when it is read.

    Raises ValueError for two tensors of one name, RuntimeError if the package `gguf` is needed for
    quantized tensors and missing. `read` raises ValueError for values that are not finite.
    """

    def __init__(self, header: GgufHeader, config: LlamaConfig) -> None:
        self.source = str(header.path)
        self._path = header.path
        self._config = config
        self._architecture = _architecture(header)
        # The name and place in the file of each Hugging Face name.
        self._stored: dict[str, tuple[str, StoredTensor]] = {}
        for name, tensor in header.tensors.items():
            hf_name = self._architecture.name(name)
            if hf_name in self._stored:
                raise ValueError(f"{header.path} has {hf_name} twice: convert the model again")
            self._stored[hf_name] = name, tensor
        self.shapes: Mapping[str, tuple[int, ...]] = {
            hf_name: tensor.shape for hf_name, (_, tensor) in self._stored.items()
        }
        if any(tensor.type.name not in _PLAIN for tensor in header.tensors.values()):
            require("gguf")  # a missing package is an error before anything is read

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor: a quantized one in `dtype`, a plain one as it is stored."""
        tensor = _read(self._path, *self._stored[name], dtype)
        heads = self._architecture.permuted_heads(name, self._config)
        return unpermute(tensor, heads) if heads else tensor


def unpermute(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """Return query or key rows (`H * D, C`) in the order of a Hugging Face checkpoint.

    llama.cpp rotates adjacent pairs of a head where Hugging Face rotates its halves, so its
    converter interleaves the halves (`permute` in convert_hf_to_gguf.py). This is the inverse.
    """
    halves = rows.view(heads, -1, 2, rows.shape[-1]).transpose(1, 2)
    return halves.reshape(rows.shape)


def _read(path: Path, name: str, stored: StoredTensor, dtype: torch.dtype) -> torch.Tensor:
    import numpy as np

    # A copy-on-write map of this tensor only; it is unmapped when the tensor is freed.
    content = np.memmap(path, np.uint8, "c", stored.offset, (stored.size,))
    if stored.type.name in _PLAIN:
        plain = torch.from_numpy(content).view(_PLAIN[stored.type.name]).view(stored.shape)
        check_finite(plain, name, str(path))
        check_label(plain, name, str(path))
        return plain
    gguf = require("gguf")
    kind = gguf.GGMLQuantizationType[stored.type.name]
    columns = stored.shape[-1]
    blocks = content.reshape(-1, columns // stored.type.values * stored.type.size)
    tensor = torch.empty(len(blocks), columns, dtype=dtype)
    step = max(1, _VALUES_AT_ONCE // columns)
    for start in range(0, len(blocks), step):
        # As one long row, because the package loops over groups of 16 rows.
        chunk = np.asarray(blocks[start : start + step]).reshape(1, -1)
        with np.errstate(invalid="ignore", over="ignore"):  # the next line says it better
            values = torch.from_numpy(gguf.dequantize(chunk, kind))
        check_finite(values, name, str(path))
        tensor[start : start + step] = values.view(-1, columns)
    return tensor.view(stored.shape)


def _architecture(header: GgufHeader) -> Architecture:
    name = header.need("general.architecture", str)
    if name not in _ARCHITECTURES:
        raise ValueError(
            f"{header.path} describes {name}; TIPO Suite runs Llama models (GGUF architecture "
            f"{', '.join(_ARCHITECTURES)}): choose a TIPO model such as TIPO-500M"
        )
    if header.get("split.count", int, 1) > 1:
        raise ValueError(
            f"{header.path} is one of {header.metadata['split.count']} parts of a model: merge "
            "them with llama-gguf-split first"
        )
    return _ARCHITECTURES[name]


def _renamed(name: str, layer_names: Mapping[str, str]) -> str:
    layer = _LAYER.fullmatch(name)
    if layer is None or layer[2] not in layer_names:
        return _NAMES.get(name, name)
    return f"model.layers.{layer[1]}.{layer_names[layer[2]]}"


def _llama_name(name: str) -> str:
    return _renamed(name, _LAYER_NAMES)


def _dots1_name(name: str) -> str:
    return _renamed(name, {**_LAYER_NAMES, **dots1_gguf.LAYER_NAMES})


def _llama_permuted_heads(name: str, config: LlamaConfig) -> int:
    if name.endswith("self_attn.q_proj.weight"):
        return config.num_attention_heads
    return config.num_key_value_heads if name.endswith("self_attn.k_proj.weight") else 0


def _llama_config(header: GgufHeader) -> LlamaConfig:
    """Return the config of a file of the architecture `llama`."""
    heads = _positive(header, "llama.attention.head_count")
    hidden = _positive(header, "llama.embedding_length")
    head_dim = header.get("llama.attention.key_length", int, hidden // heads)
    for key, wanted in (
        ("llama.attention.value_length", head_dim),
        ("llama.rope.dimension_count", head_dim),
        ("llama.expert_count", 0),
    ):
        if header.get(key, int, wanted) != wanted:
            raise ValueError(
                f"{header.path} asks for {key}={header.metadata[key]}, which is not supported: "
                "choose a TIPO model such as TIPO-500M"
            )
    embedding = header.tensors.get("token_embd.weight")
    vocab_size = (
        embedding.shape[0] if embedding else len(header.need("tokenizer.ggml.tokens", tuple))
    )
    scaling = header.get("llama.rope.scaling.type", str, "none")
    if "rope_freqs.weight" in header.tensors:
        scaling = "rope_freqs.weight"
    ids = (header.get(f"tokenizer.ggml.{end}_token_id", int) for end in ("eos", "eot", "eom"))
    values = {
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": header.get("llama.vocab_size", int, vocab_size),
        "hidden_size": hidden,
        "intermediate_size": _positive(header, "llama.feed_forward_length"),
        "num_hidden_layers": _positive(header, "llama.block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": _positive(header, "llama.attention.head_count_kv", heads),
        "head_dim": head_dim,
        "max_position_embeddings": _positive(header, "llama.context_length"),
        "rms_norm_eps": header.decimal("llama.attention.layer_norm_rms_epsilon"),
        "rope_theta": header.decimal("llama.rope.freq_base", 10000.0),
        "rope_scaling": None if scaling == "none" else scaling,
        "tie_word_embeddings": "output.weight" not in header.tensors,
        "bos_token_id": header.get("tokenizer.ggml.bos_token_id", int),
        "eos_token_id": list(dict.fromkeys(one for one in ids if one is not None)),
    }
    return parse_hf_config(values, str(header.path))


def _positive(header: GgufHeader, key: str, default: int | None = None) -> int:
    """Return an integer above 0; a value per layer must be the same for all layers."""
    value = header.metadata.get(key, default)
    if isinstance(value, tuple) and len(set(value)) == 1:
        value = value[0]
    if value is None:
        raise ValueError(f"{header.path} lacks {key!r}: convert the model again")
    if type(value) is not int or value < 1:
        shown = f"{value[:4]}..." if isinstance(value, tuple) else value
        raise ValueError(
            f"{header.path} asks for {key}={shown}, which is not supported: "
            "choose a TIPO model such as TIPO-500M"
        )
    return value


_ARCHITECTURES = {
    "llama": Architecture(_llama_config, _llama_name, _llama_permuted_heads),
    # llama.cpp rotates the halves of a head for this one, as Hugging Face does.
    "dots1": Architecture(dots1_gguf.read_dots1_config, _dots1_name, lambda name, config: 0),
}
