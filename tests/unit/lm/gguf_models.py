"""Small GGUF files as llama.cpp's converter writes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Quant

from tipo_core.lm.model.config import LlamaConfig

State = Mapping[str, torch.Tensor]
Change = Callable[[gguf.GGUFWriter], None]

# From tensor_mapping.py of gguf-py.
NAMES = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 64)
DOTS1_NAMES = gguf.get_tensor_name_map(gguf.MODEL_ARCH.DOTS1, 64)
# The author's names, and those that tensor_mapping.py knows.
KOHAKU_NAMES = (
    (r"mlp\.(\w+_proj)$", r"mlp.experts.\1.weight"),
    (r"mlp\.shared_expert\.", r"mlp.shared_experts."),
    (r"mlp\.expert_bias$", r"mlp.gate.e_score_correction.bias"),
)


@dataclass(frozen=True)
class Vocabulary:
    """The values of `tokenizer.ggml.*`."""

    model: str
    tokens: Sequence[str]
    kinds: Sequence[int]
    scores: Sequence[float] = ()
    merges: Sequence[str] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


def plain_vocabulary(size: int) -> Vocabulary:
    """A byte-level vocabulary with one merge, for tests of weights."""
    tokens = ["a", "b", "ab", *(f"t{n}" for n in range(3, size))]
    return Vocabulary("gpt2", tokens, [1] * size, merges=["a b"], extra={"pre": "gpt-2"})


def stored_bytes(weight: torch.Tensor, kind: Quant, seed: int) -> np.ndarray:
    """Return `weight` in the blocks of `kind`.

    gguf-py cannot quantise to the K types, so that those are random blocks with small scales, and
    `weight` gives only the shape.
    """
    array = weight.numpy()
    if "_K" not in kind.name:
        return gguf.quantize(array, kind)
    values, size = gguf.GGML_QUANT_SIZES[kind]
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 256, (array.size // values, size), np.uint8)
    # The fp16 scales of a block are at its end, in Q4_K and Q5_K at its beginning.
    start, end = {"Q2_K": (80, 84), "Q3_K": (108, 110), "Q6_K": (208, 210)}.get(kind.name, (0, 4))
    shape = (len(blocks), (end - start) // 2)
    blocks[:, start:end] = np.ones(shape, np.float16).view(np.uint8)
    scales = random.uniform(0.5, 1.5, shape) * 0.05 / gguf.dequantize(blocks, kind).std()
    blocks[:, start:end] = scales.astype(np.float16).view(np.uint8)
    return blocks.reshape(len(array), -1)


def write_gguf(
    path: Path,
    config: LlamaConfig,
    state: State,
    vocabulary: Vocabulary,
    *,
    kind: Callable[[str], Quant] = lambda name: Quant.F32,
    change: Change = lambda writer: None,
    endianess: gguf.GGUFEndian = gguf.GGUFEndian.LITTLE,
) -> dict[str, torch.Tensor]:
    """Write a model and return its weights as they are then, in the order of `state`.

    `kind` chooses the type of each matrix by its Hugging Face name; norms are always fp32.
    """
    writer = gguf.GGUFWriter(path, "llama", endianess=endianess)
    write_config(writer, config)
    write_vocabulary(writer, vocabulary)
    kept = {}
    for seed, (name, weight) in enumerate(state.items()):
        stored_name = NAMES.get_name(name, try_suffixes=(".weight",))
        assert stored_name, name
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
        of = next((count for part, count in heads.items() if part in name), 0)
        chosen = kind(name) if weight.dim() > 1 else Quant.F32
        block = stored_bytes(interleaved(weight, of) if of else weight, chosen, seed)
        writer.add_tensor(stored_name, block, raw_dtype=chosen)
        values = torch.from_numpy(np.array(gguf.dequantize(block, chosen)))
        kept[name] = put_apart(values, of) if of else values
    change(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return kept


def write_dots1(
    path: Path,
    config: LlamaConfig,
    state: State,
    vocabulary: Vocabulary,
    *,
    change: Change = lambda writer: None,
) -> None:
    """Write a mixture of experts in F32; `state` has Kohaku's names.

    The architecture has no grouped heads, so keys and values are repeated for each query head. No
    rows are interleaved.
    """
    writer = gguf.GGUFWriter(path, "dots1")
    write_config(writer, replace(config, num_key_value_heads=config.num_attention_heads))
    write_vocabulary(writer, vocabulary)
    moe = config.moe
    assert moe is not None
    writer.add_expert_count(moe.num_experts)
    writer.add_expert_used_count(moe.num_experts_per_token)
    writer.add_expert_shared_count(moe.num_shared_experts)
    writer.add_expert_feed_forward_length(moe.intermediate_size)
    writer.add_leading_dense_block_count(moe.first_dense_layers)
    writer.add_expert_weights_norm(moe.norm_topk_prob)
    writer.add_expert_weights_scale(moe.routed_scaling_factor)
    writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
    groups = config.num_attention_heads // config.num_key_value_heads
    for name, weight in state.items():
        hub_name = name
        for kohaku, dots1 in KOHAKU_NAMES:
            hub_name = re.sub(kohaku, dots1, hub_name)
        stored_name = DOTS1_NAMES.get_name(hub_name, try_suffixes=(".weight", ".bias"))
        assert stored_name, name
        if "k_proj" in name or "v_proj" in name:
            heads = weight.unflatten(0, (config.num_key_value_heads, -1))
            weight = heads.repeat_interleave(groups, 0).flatten(0, 1)
        writer.add_tensor(stored_name, weight.contiguous().numpy())
    change(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_config(writer: gguf.GGUFWriter, config: LlamaConfig) -> None:
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    if config.bos_token_id is not None:
        writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_ids[0])


def write_vocabulary(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types(list(vocabulary.kinds))
    if vocabulary.scores:
        writer.add_token_scores(list(vocabulary.scores))
    if vocabulary.merges:
        writer.add_token_merges(list(vocabulary.merges))
    for key, value in vocabulary.extra.items():
        add = writer.add_bool if isinstance(value, bool) else writer.add_string
        add(f"tokenizer.ggml.{key}", value)


def interleaved(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """Return query or key rows in llama.cpp's order: `permute` of its converter."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape).contiguous()


def put_apart(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """Return the inverse, row by row: the halves of a head are its even and its odd rows."""
    size = rows.shape[0] // heads
    order = [
        head * size + 2 * (row % (size // 2)) + row // (size // 2)
        for head in range(heads)
        for row in range(size)
    ]
    return rows[order]
