"""GGUF files of the architecture `dots1`, the format in which TIPO v2 is published.

The author's `to_gguf.py` (KohakuBlueleaf/KohakUwULLM) writes them; the metadata and tensors that
llama.cpp expects are in its `llama-arch.cpp` and `llama-model.cpp`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ..model.config import LlamaConfig
from .gguf_header import GgufHeader
from .hf_config import parse_hf_config
from .weights import Weights

# GGUF names after `blk.N.` to Hugging Face names after `model.layers.N.`, in addition to those of a
# dense Llama. The experts get Kohaku's names, which `StackedExpertWeights` reads.
LAYER_NAMES = {
    "attn_q_norm.weight": "self_attn.q_norm.weight",
    "attn_k_norm.weight": "self_attn.k_norm.weight",
    "ffn_gate_inp.weight": "mlp.gate.weight",
    "exp_probs_b.bias": "mlp.expert_bias",
    "ffn_gate_exps.weight": "mlp.gate_proj",
    "ffn_up_exps.weight": "mlp.up_proj",
    "ffn_down_exps.weight": "mlp.down_proj",
    "ffn_gate_shexp.weight": "mlp.shared_expert.gate_proj.weight",
    "ffn_up_shexp.weight": "mlp.shared_expert.up_proj.weight",
    "ffn_down_shexp.weight": "mlp.shared_expert.down_proj.weight",
}
_SIGMOID = 2  # LLAMA_EXPERT_GATING_FUNC_TYPE_SIGMOID


def read_dots1_config(header: GgufHeader) -> LlamaConfig:
    """Return the config of a file of the architecture `dots1`.

    Raises ValueError, naming the file, for an unsupported setting and for a missing or wrong value.
    """

    def count(key: str, default: int | None = None, minimum: int = 1) -> int:
        value = header.get(f"dots1.{key}", int, default)
        if value is None or value < minimum:
            problem = "lacks" if value is None else f"has {value} as"
            raise ValueError(f"{header.path} {problem} dots1.{key}: convert the model again")
        return int(value)

    heads, hidden = count("attention.head_count"), count("embedding_length")
    head_dim = count("attention.key_length", hidden // heads)
    for key, wanted in (
        ("attention.value_length", head_dim),
        ("rope.dimension_count", head_dim),
        ("expert_gating_func", _SIGMOID),
    ):
        if count(key, wanted) != wanted:
            raise ValueError(
                f"{header.path} asks for dots1.{key}={count(key)}, which is not supported: "
                "choose a TIPO model such as TIPO-500M"
            )
    scaling = header.get("dots1.rope.scaling.type", str, "none")
    vocab_size = len(header.array("tokenizer.ggml.tokens", str))
    ids = (header.get(f"tokenizer.ggml.{end}_token_id", int) for end in ("eos", "eot", "eom"))
    values = {
        "architectures": ["Dots1ForCausalLM"],
        "vocab_size": count("vocab_size", vocab_size),
        "hidden_size": hidden,
        "intermediate_size": count("feed_forward_length"),
        "num_hidden_layers": count("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": count("attention.head_count_kv", heads),
        "head_dim": head_dim,
        "max_position_embeddings": count("context_length"),
        "rms_norm_eps": header.decimal("dots1.attention.layer_norm_rms_epsilon"),
        "rope_theta": header.decimal("dots1.rope.freq_base", 10000.0),
        "rope_scaling": None if scaling == "none" else scaling,
        # llama.cpp requires an output head in dots1 files.
        "tie_word_embeddings": False,
        "bos_token_id": header.get("tokenizer.ggml.bos_token_id", int),
        "eos_token_id": list(dict.fromkeys(one for one in ids if one is not None)),
        "n_routed_experts": count("expert_count"),
        "n_shared_experts": count("expert_shared_count", minimum=0),
        "num_experts_per_tok": count("expert_used_count"),
        "moe_intermediate_size": count("expert_feed_forward_length"),
        "first_k_dense_replace": count("leading_dense_block_count", minimum=0),
        "norm_topk_prob": header.get("dots1.expert_weights_norm", bool, False),
        "routed_scaling_factor": header.decimal("dots1.expert_weights_scale"),
    }
    return parse_hf_config(values, str(header.path))


class DeduplicatedKVHeads:
    """`weights` with each repeated key/value head only once; itself a `Weights`.

    llama.cpp's `dots1` has no grouped-query attention, so its files repeat each of the 2 key/value
    heads of TIPO v2 for the 6 query heads that share it. Without the repetitions the model computes
    the same with a sixth of the cache. `heads` is the number of distinct heads; it is the stored
    number if any layer has no repetition. All keys and values are read once to find it.
    """

    def __init__(self, weights: Weights, config: LlamaConfig) -> None:
        self.source = weights.source
        self._weights = weights
        self._stored, self._head_dim = config.num_key_value_heads, config.head_dim
        self._names = {
            f"model.layers.{layer}.self_attn.{matrix}.weight"
            for layer in range(config.num_hidden_layers)
            for matrix in ("k_proj", "v_proj")
        }
        rows = {name: weights.shapes.get(name, ())[:1] for name in self._names}
        # The candidates for how often each head is repeated, the largest first.
        repeats = [1]
        if all(shape == (self._stored * self._head_dim,) for shape in rows.values()):
            repeats = [n for n in range(self._stored, 0, -1) if self._stored % n == 0]
        for name in self._names if len(repeats) > 1 else ():
            heads = self._by_head(weights.read(name, torch.float32))
            repeats = [n for n in repeats if n == 1 or _is_repeated(heads, n)]
        self.heads = self._stored // repeats[0]
        deduplicated = self._names if self.heads < self._stored else ()
        self.shapes: Mapping[str, tuple[int, ...]] = {
            name: (self.heads * self._head_dim, *shape[1:]) if name in deduplicated else shape
            for name, shape in weights.shapes.items()
        }

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor, as `weights` gives it except for the repeated heads."""
        tensor = self._weights.read(name, dtype)
        if name not in self._names or self.heads == self._stored:
            return tensor
        return self._by_head(tensor)[:: self._stored // self.heads].flatten(0, 1)

    def _by_head(self, rows: torch.Tensor) -> torch.Tensor:
        """Return `H, D, C` for `H * D, C`."""
        return rows.unflatten(0, (self._stored, self._head_dim))


def _is_repeated(heads: torch.Tensor, times: int) -> bool:
    """Whether `heads` (`H, D, C`) are groups of `times` equal ones."""
    groups = heads.unflatten(0, (-1, times))
    return torch.equal(groups, groups[:, :1].expand_as(groups))
