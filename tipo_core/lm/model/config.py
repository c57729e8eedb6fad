"""The shape of a model: layer sizes, attention heads, mixture of experts, special ids."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MoEConfig:
    """The mixture-of-experts blocks of a model (DeepSeekMoE, Dai et al. 2024).

    Each block has `num_experts` routed experts, of which a token uses `num_experts_per_token`, and
    `num_shared_experts` that every token uses; each is a SwiGLU of `intermediate_size`. The first
    `first_dense_layers` layers have a dense block instead. The weight of a chosen expert is its
    sigmoid score, normalized to sum to 1 over the chosen ones if `norm_topk_prob`, times
    `routed_scaling_factor`. Raises ValueError if a token would use more experts than there are.
    """

    num_experts: int
    num_experts_per_token: int
    num_shared_experts: int
    intermediate_size: int
    first_dense_layers: int
    routed_scaling_factor: float
    norm_topk_prob: bool

    def __post_init__(self) -> None:
        if not 1 <= self.num_experts_per_token <= self.num_experts:
            raise ValueError(
                f"a token cannot use {self.num_experts_per_token} of {self.num_experts} experts: "
                "take the config from the same model as the weights"
            )


@dataclass(frozen=True)
class LlamaConfig:
    """Sizes of a Llama model; the field names are those of a Hugging Face `config.json`.

    `qk_norm` adds an RMSNorm on each head of queries and keys; `moe` is None for a model whose
    feed-forward blocks are all dense. `files.hf_config` reads and writes the file.
    """

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    max_position_embeddings: int
    rms_norm_eps: float
    rope_theta: float
    tie_word_embeddings: bool
    bos_token_id: int | None
    eos_token_ids: tuple[int, ...]
    qk_norm: bool = False
    moe: MoEConfig | None = None

    @property
    def feed_forward_width(self) -> int:
        """The number of values that one token needs inside the widest feed-forward block."""
        if self.moe is None:
            return self.intermediate_size
        # Per chosen expert: gate, up, their product (`intermediate_size` each), input and output.
        per_expert = 3 * self.moe.intermediate_size + 2 * self.hidden_size
        return max(self.intermediate_size, self.moe.num_experts_per_token * per_expert)

    def is_moe_layer(self, layer: int) -> bool:
        """Whether the feed-forward block of `layer` (from 0) is a mixture of experts."""
        return self.moe is not None and layer >= self.moe.first_dense_layers
