"""Models as GGUF files in the form of llama.cpp's converter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import gguf
import torch

from devkit.bench.models.word_chain import Words
from tipo_core.lm.model.config import LlamaConfig

_NAMES = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 64)


def write_llama_gguf(
    path: Path, config: LlamaConfig, weights: Mapping[str, torch.Tensor], words: Words, kind: str
) -> None:
    """Write a dense model; its matrices become `kind` (F16, Q8_0), its norms stay fp32."""
    writer = gguf.GGUFWriter(path, "llama")
    write_sizes(writer, config)
    _write_words(writer, words)
    matrices = gguf.GGMLQuantizationType[kind]
    for name, weight in weights.items():
        stored_name = _NAMES.get_name(name, try_suffixes=(".weight",))
        assert stored_name is not None, name
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            weight = interleaved(weight, config.num_attention_heads)
        stored_as = matrices if weight.dim() > 1 else gguf.GGMLQuantizationType.F32
        blocks = gguf.quantize(weight.numpy(), stored_as)
        writer.add_tensor(stored_name, blocks, raw_dtype=stored_as)
    finish(writer)


def write_sizes(writer: gguf.GGUFWriter, config: LlamaConfig) -> None:
    """Write the entries of a config that all architectures share."""
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
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)


def _write_words(writer: gguf.GGUFWriter, words: Words) -> None:
    texts = words.texts
    special = {entry["content"] for entry in words.tokenizer["added_tokens"]}
    writer.add_tokenizer_model("gpt2")
    # llama.cpp's name of a tokenizer that looks up whole words first.
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(texts)
    writer.add_token_types([_kind(text, text in special) for text in texts])
    writer.add_token_merges(words.merges)


def _kind(text: str, is_special: bool) -> gguf.TokenType:
    if is_special:
        return gguf.TokenType.CONTROL
    return gguf.TokenType.UNUSED if text.startswith("[UNUSED") else gguf.TokenType.NORMAL


def interleaved(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """Return query or key rows in llama.cpp's order (`permute` of convert_hf_to_gguf.py)."""
    halves = rows.unflatten(0, (heads, 2, -1))
    return halves.transpose(1, 2).reshape(rows.shape).contiguous()


def finish(writer: gguf.GGUFWriter) -> None:
    """Write the header, the entries and the tensors."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
