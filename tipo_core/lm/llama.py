"""Llama (Touvron et al. 2023), written so that its parameter names are those of the files.

Modules come from an `operations` namespace: `torch.nn` by default, the host's own inside ComfyUI,
which then casts and streams the weights as it does for every other model.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .config import LlamaConfig
from .kv_cache import KVCache


def rotary_tables(
    config: LlamaConfig, start: int, end: int, device: torch.device | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cosines and sines for the positions from `start` to `end`, each `T, D`, in fp32.

    Su et al. 2021 (RoFormer), in the half-split layout of the Hugging Face checkpoints.
    """
    exponents = torch.arange(0, config.head_dim, 2, device=device, dtype=torch.float32)
    frequencies = config.rope_theta ** (-exponents / config.head_dim)
    angles = torch.outer(torch.arange(start, end, device=device, dtype=torch.float32), frequencies)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Return `x` (`B, H, T, D`) turned by the angles of its positions (`T, D`)."""
    left, right = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-right, left), dim=-1) * sin


class Attention(nn.Module):
    """Causal self-attention with grouped key/value heads."""

    def __init__(self, config: LlamaConfig, layer: int, ops: Any, **kwargs: Any) -> None:
        super().__init__()
        self.config = config
        self.layer = layer
        width = config.num_attention_heads * config.head_dim
        kv_width = config.num_key_value_heads * config.head_dim
        self.q_proj = ops.Linear(config.hidden_size, width, bias=False, **kwargs)
        self.k_proj = ops.Linear(config.hidden_size, kv_width, bias=False, **kwargs)
        self.v_proj = ops.Linear(config.hidden_size, kv_width, bias=False, **kwargs)
        self.o_proj = ops.Linear(width, config.hidden_size, bias=False, **kwargs)

    def forward(
        self,
        x: torch.Tensor,
        cos: torch.Tensor,
        sin: torch.Tensor,
        cache: KVCache | None,
    ) -> torch.Tensor:
        """Attend from `x` (`B, T, C`) to itself and to what `cache` holds."""
        batch, tokens, _ = x.shape
        head = self.config.head_dim
        queries = self.q_proj(x).view(batch, tokens, -1, head).transpose(1, 2)
        keys = self.k_proj(x).view(batch, tokens, -1, head).transpose(1, 2)
        values = self.v_proj(x).view(batch, tokens, -1, head).transpose(1, 2)
        queries, keys = rotate(queries, cos, sin), rotate(keys, cos, sin)
        before = 0
        if cache is not None:
            before = cache.length
            keys, values = cache.extend(self.layer, keys, values)
        groups = self.config.num_attention_heads // self.config.num_key_value_heads
        if groups > 1:
            keys = keys.repeat_interleave(groups, dim=1)
            values = values.repeat_interleave(groups, dim=1)
        mask = None
        if before and tokens > 1:
            # Row t sees all that came before this call and columns up to its own.
            mask = torch.ones(tokens, before + tokens, dtype=torch.bool, device=x.device)
            mask = mask.tril(diagonal=before)
        mixed = functional.scaled_dot_product_attention(
            queries, keys, values, attn_mask=mask, is_causal=tokens > 1 and not before
        )
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, tokens, -1))


class MLP(nn.Module):
    """SwiGLU feed-forward block (Shazeer 2020)."""

    def __init__(self, config: LlamaConfig, ops: Any, **kwargs: Any) -> None:
        super().__init__()
        inner = config.intermediate_size
        self.gate_proj = ops.Linear(config.hidden_size, inner, bias=False, **kwargs)
        self.up_proj = ops.Linear(config.hidden_size, inner, bias=False, **kwargs)
        self.down_proj = ops.Linear(inner, config.hidden_size, bias=False, **kwargs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output for `x` (`B, T, C`)."""
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """One layer: attention, then feed-forward, each behind a norm and added back."""

    def __init__(self, config: LlamaConfig, layer: int, ops: Any, **kwargs: Any) -> None:
        super().__init__()
        size, eps = config.hidden_size, config.rms_norm_eps
        self.input_layernorm = ops.RMSNorm(size, eps=eps, **kwargs)
        self.self_attn = Attention(config, layer, ops, **kwargs)
        self.post_attention_layernorm = ops.RMSNorm(size, eps=eps, **kwargs)
        self.mlp = MLP(config, ops, **kwargs)

    def forward(
        self,
        x: torch.Tensor,
        cos: torch.Tensor,
        sin: torch.Tensor,
        cache: KVCache | None,
    ) -> torch.Tensor:
        """Return the layer's output for `x` (`B, T, C`)."""
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class LlamaModel(nn.Module):
    """Embedding, layers and last norm: everything below the output head."""

    def __init__(self, config: LlamaConfig, ops: Any, **kwargs: Any) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = ops.Embedding(config.vocab_size, config.hidden_size, **kwargs)
        self.layers = nn.ModuleList(
            Block(config, layer, ops, **kwargs) for layer in range(config.num_hidden_layers)
        )
        self.norm = ops.RMSNorm(config.hidden_size, eps=config.rms_norm_eps, **kwargs)

    def forward(self, tokens: torch.Tensor, cache: KVCache | None = None) -> torch.Tensor:
        """Return hidden states `B, T, C` for token ids `B, T`; extends `cache` by T."""
        start = 0 if cache is None else cache.length
        x = self.embed_tokens(tokens)
        cos, sin = rotary_tables(self.config, start, start + tokens.shape[1], tokens.device)
        cos, sin = cos.to(x.dtype), sin.to(x.dtype)
        for layer in self.layers:
            x = layer(x, cos, sin, cache)
        if cache is not None:
            cache.advance(tokens.shape[1])
        return self.norm(x)


class Llama(nn.Module):
    """A Llama language model; `state_dict` names equal those of a Hugging Face checkpoint.

    With tied embeddings there is no `lm_head`: the embedding matrix serves both ends.
    """

    def __init__(
        self,
        config: LlamaConfig,
        operations: Any = nn,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        kwargs = {"dtype": dtype, "device": device}
        self.config = config
        self.model = LlamaModel(config, operations, **kwargs)
        if not config.tie_word_embeddings:
            self.lm_head = operations.Linear(
                config.hidden_size, config.vocab_size, bias=False, **kwargs
            )

    def forward(self, tokens: torch.Tensor, cache: KVCache | None = None) -> torch.Tensor:
        """Return logits `B, T, V` for token ids `B, T`; extends `cache` by T."""
        return self.logits(self.model(tokens, cache))

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the scores of the next token, `..., V`, for hidden states `..., C`."""
        if not self.config.tie_word_embeddings:
            return self.lm_head(hidden)
        embedding = self.model.embed_tokens
        return functional.linear(hidden, embedding.weight.to(hidden.device, hidden.dtype))
