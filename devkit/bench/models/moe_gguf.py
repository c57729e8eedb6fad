"""A random model in TIPO v2's sizes: a GGUF file of the architecture `dots1`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import gguf
import torch

from devkit.bench.models.llama_gguf import finish, write_sizes
from devkit.bench.models.random_models import SEED, cached
from devkit.setup.layout import Layout
from tipo_core.lm.model.config import LlamaConfig, MoEConfig

Quant = gguf.GGMLQuantizationType

TIPO_V2 = LlamaConfig(
    vocab_size=65536,
    hidden_size=768,
    intermediate_size=2048,
    num_hidden_layers=16,
    num_attention_heads=12,
    num_key_value_heads=2,
    head_dim=64,
    max_position_embeddings=4096,
    rms_norm_eps=1e-6,
    rope_theta=1e5,
    tie_word_embeddings=False,
    bos_token_id=0,
    eos_token_ids=(1,),
    qk_norm=True,
    moe=MoEConfig(
        num_experts=64,
        num_experts_per_token=8,
        num_shared_experts=1,
        intermediate_size=384,
        first_dense_layers=1,
        routed_scaling_factor=1.0,
        norm_topk_prob=True,
    ),
)
# 990.8 M parameters of two bytes, and the repeated heads.
_BYTES = 2.1e9


def experts_gguf(layout: Layout) -> Path:
    """Return the file, which is written on first use."""
    return cached(
        layout, "tipo-v2-F16.gguf", _BYTES, lambda path: write_experts_gguf(path, TIPO_V2)
    )


def write_experts_gguf(path: Path, config: LlamaConfig) -> None:
    """Write random weights in fp16, as the author's `to_gguf.py` stores a model.

    llama.cpp's `dots1` has as many key/value heads as query heads: each stored head is repeated.
    Routers and norms are fp32.
    """
    moe = config.moe
    assert moe is not None
    writer = gguf.GGUFWriter(path, "dots1")
    write_sizes(writer, replace(config, num_key_value_heads=config.num_attention_heads))
    writer.add_expert_count(moe.num_experts)
    writer.add_expert_used_count(moe.num_experts_per_token)
    writer.add_expert_shared_count(moe.num_shared_experts)
    writer.add_expert_feed_forward_length(moe.intermediate_size)
    writer.add_leading_dense_block_count(moe.first_dense_layers)
    writer.add_expert_weights_norm(moe.norm_topk_prob)
    writer.add_expert_weights_scale(moe.routed_scaling_factor)
    writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
    _write_bytes_as_words(writer, config.vocab_size)
    generator = torch.Generator().manual_seed(SEED)
    for matrix in _matrices(config, moe):
        array = matrix.random(generator).numpy()
        writer.add_tensor(matrix.name, array, raw_dtype=Quant.F32 if matrix.is_fp32 else Quant.F16)
    finish(writer)


@dataclass(frozen=True)
class _Matrix:
    name: str
    size: tuple[int, ...]
    mean: float = 0.0
    std: float | None = None  # None: 1 / sqrt(columns), which keeps the size of the values
    # Key/value heads, and the repetitions of each.
    heads: int = 1
    repeated: int = 1

    @property
    def is_fp32(self) -> bool:
        return len(self.size) == 1 or "ffn_gate_inp" in self.name

    def random(self, generator: torch.Generator) -> torch.Tensor:
        std = self.size[-1] ** -0.5 if self.std is None else self.std
        values = torch.randn(self.size, generator=generator) * std + self.mean
        if self.name == "output.weight":
            values[1] = 0.0  # the end token stays unlikely
        if self.repeated > 1:
            heads = values.unflatten(0, (self.heads, -1))
            values = heads.repeat_interleave(self.repeated, 0).flatten(0, 1)
        return values if self.is_fp32 else values.half()


def _norm(name: str, size: int) -> _Matrix:
    return _Matrix(f"{name}.weight", (size,), mean=1.0, std=0.1)


def _matrices(config: LlamaConfig, moe: MoEConfig) -> Iterator[_Matrix]:
    hidden, head = config.hidden_size, config.head_dim
    yield _Matrix("token_embd.weight", (config.vocab_size, hidden), std=1.0)
    yield _norm("output_norm", hidden)
    yield _Matrix("output.weight", (config.vocab_size, hidden))
    for layer in range(config.num_hidden_layers):
        block = f"blk.{layer}."
        yield _norm(block + "attn_norm", hidden)
        yield _norm(block + "ffn_norm", hidden)
        yield _norm(block + "attn_q_norm", head)
        yield _norm(block + "attn_k_norm", head)
        width = config.num_attention_heads * head
        yield _Matrix(block + "attn_q.weight", (width, hidden))
        yield _Matrix(block + "attn_output.weight", (hidden, width))
        yield from _keys_and_values(block, config)
        if config.is_moe_layer(layer):
            yield from _mixture(block, hidden, moe)
        else:
            wide = config.intermediate_size
            yield _Matrix(block + "ffn_gate.weight", (wide, hidden))
            yield _Matrix(block + "ffn_up.weight", (wide, hidden))
            yield _Matrix(block + "ffn_down.weight", (hidden, wide))


def _keys_and_values(block: str, config: LlamaConfig) -> Iterator[_Matrix]:
    stored = config.num_key_value_heads
    size = (stored * config.head_dim, config.hidden_size)
    for which in "kv":
        name = f"{block}attn_{which}.weight"
        repeated = config.num_attention_heads // stored
        yield _Matrix(name, size, heads=stored, repeated=repeated)


def _mixture(block: str, hidden: int, moe: MoEConfig) -> Iterator[_Matrix]:
    number, wide = moe.num_experts, moe.intermediate_size
    shared = moe.num_shared_experts * wide
    yield _Matrix(block + "ffn_gate_inp.weight", (number, hidden), std=3 * hidden**-0.5)
    yield _Matrix(block + "exp_probs_b.bias", (number,), std=0.1)
    yield _Matrix(block + "ffn_gate_exps.weight", (number, wide, hidden))
    yield _Matrix(block + "ffn_up_exps.weight", (number, wide, hidden))
    yield _Matrix(block + "ffn_down_exps.weight", (number, hidden, wide))
    yield _Matrix(block + "ffn_gate_shexp.weight", (shared, hidden))
    yield _Matrix(block + "ffn_up_shexp.weight", (shared, hidden))
    yield _Matrix(block + "ffn_down_shexp.weight", (hidden, shared))


def _write_bytes_as_words(writer: gguf.GGUFWriter, size: int) -> None:
    """Write a byte-level vocabulary without words: no benchmark reads the text."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    shown = {byte: chr(byte) for byte in printable}
    shown |= {byte: chr(256 + number) for number, byte in enumerate(others)}
    texts = ["<|bos|>", "<|eos|>", *(shown[byte] for byte in range(256)), "ab"]
    used = [3, 3, *[1] * 257]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([*texts, *(f"[UNUSED{id_}]" for id_ in range(len(texts), size))])
    writer.add_token_types([*used, *[5] * (size - len(used))])
    writer.add_token_merges(["a b"])
