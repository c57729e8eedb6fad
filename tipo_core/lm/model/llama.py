"""Llama (Touvron et al. 2023), with the matrices that share an input fused into one.

The model is our own because it runs inside ComfyUI: its layers come from an `operations` namespace,
by default `torch.nn`, in ComfyUI the host's, which casts and streams weights as for every other
model. `transformers` cannot be given such layers, nor the kernels and caches of this package.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .config import LlamaConfig
from .kv_cache import AttentionContext, UncachedContext
from .moe import MoEBlock


def apply_rotary(x: torch.Tensor, cos_sin: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Return `x` (`N, H, D`) rotated by its positions (RoPE); see `kv_cache.rotary_tables`."""
    cos, sin = cos_sin
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin)


class RMSNormLinear(nn.Module):
    """RMSNorm (Zhang and Sennrich 2019), then a linear layer without bias."""

    def __init__(self, inputs: int, outputs: int, eps: float, ops: Any, **kwargs: Any) -> None:
        super().__init__()
        self.norm = ops.RMSNorm(inputs, eps=eps, **kwargs)
        self.linear = ops.Linear(inputs, outputs, bias=False, **kwargs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `N, O` for `x` (`N, I`)."""
        return self.linear(self.norm(x))


def rms_norm_linear(inputs: int, outputs: int, eps: float, ops: Any, **kwargs: Any) -> nn.Module:
    """Return the `RMSNormLinear` of `ops` if it has one of its own, else the general one."""
    layer: nn.Module = getattr(ops, "RMSNormLinear", RMSNormLinear)(
        inputs, outputs, eps, ops, **kwargs
    )
    return layer


class Attention(nn.Module):
    """RMSNorm, then causal self-attention with grouped key/value heads.

    The projections of queries, keys and values are one matrix, in this order.
    """

    def __init__(self, config: LlamaConfig, layer: int, ops: Any, **kwargs: Any) -> None:
        super().__init__()
        self.layer = layer
        self.heads = config.num_attention_heads
        self.kv_heads = config.num_key_value_heads
        self.head_dim = config.head_dim
        self.qk_norm = config.qk_norm
        width, eps = (self.heads + 2 * self.kv_heads) * self.head_dim, config.rms_norm_eps
        self.qkv_proj = rms_norm_linear(config.hidden_size, width, eps, ops, **kwargs)
        width = self.heads * self.head_dim
        self.o_proj = ops.Linear(width, config.hidden_size, bias=False, **kwargs)
        if config.qk_norm:
            self.q_norm = ops.RMSNorm(config.head_dim, eps=eps, **kwargs)
            self.k_norm = ops.RMSNorm(config.head_dim, eps=eps, **kwargs)

    def forward(self, x: torch.Tensor, context: AttentionContext) -> torch.Tensor:
        """Return the attention output, `N, C`, of `x` (`N, C`) in `context`."""
        heads = self.qkv_proj(x).view(len(x), -1, self.head_dim)
        rotated_heads = self.heads + self.kv_heads
        queries_keys, values = heads[:, :rotated_heads], heads[:, rotated_heads:]
        if self.qk_norm:
            queries, keys = queries_keys[:, : self.heads], queries_keys[:, self.heads :]
            queries_keys = torch.cat((self.q_norm(queries), self.k_norm(keys)), dim=1)
        queries_keys = apply_rotary(queries_keys, context.cos_sin)
        queries, keys = queries_keys[:, : self.heads], queries_keys[:, self.heads :]
        return self.o_proj(context.attend(self.layer, queries, keys, values).flatten(1))


class MLP(nn.Module):
    """RMSNorm, then a SwiGLU feed-forward block (Shazeer 2020).

    The gate and up projections are one matrix, the gate's rows first.
    """

    def __init__(self, config: LlamaConfig, ops: Any, **kwargs: Any) -> None:
        super().__init__()
        hidden, inner = config.hidden_size, config.intermediate_size
        self.gate_up_proj = rms_norm_linear(hidden, 2 * inner, config.rms_norm_eps, ops, **kwargs)
        # `ops` may have a special layer for inputs that come from an activation function.
        linear = getattr(ops, "DownLinear", ops.Linear)
        self.down_proj = linear(inner, hidden, bias=False, **kwargs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output, `N, C`, for `x` (`N, C`)."""
        gate, up = self.gate_up_proj(x).chunk(2, dim=-1)
        return self.down_proj(functional.silu(gate).mul_(up))


class Block(nn.Module):
    """One transformer layer: attention, then feed-forward, each with a residual connection."""

    def __init__(self, config: LlamaConfig, layer: int, ops: Any, **kwargs: Any) -> None:
        super().__init__()
        self.self_attn = Attention(config, layer, ops, **kwargs)
        if config.is_moe_layer(layer):
            self.mlp: nn.Module = MoEBlock(config, ops, **kwargs)
        else:
            self.mlp = MLP(config, ops, **kwargs)

    def forward(self, x: torch.Tensor, context: AttentionContext) -> torch.Tensor:
        """Return the layer's output, `N, C`, for `x` (`N, C`)."""
        x = x + self.self_attn(x, context)
        return x + self.mlp(x)


class Llama(nn.Module):
    """A Llama language model.

    Its parameters have names of their own, because matrices are fused; `files.fused_weights` maps
    them to those of a Hugging Face checkpoint. With tied embeddings the output head is only a norm,
    as the embedding matrix serves as its linear layer.
    """

    def __init__(
        self,
        config: LlamaConfig,
        operations: Any = nn,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        kwargs: dict[str, Any] = {"dtype": dtype, "device": device}
        size, vocab_size, eps = config.hidden_size, config.vocab_size, config.rms_norm_eps
        self.config = config
        self.embedding = operations.Embedding(vocab_size, size, **kwargs)
        self.layers = nn.ModuleList(
            Block(config, layer, operations, **kwargs) for layer in range(config.num_hidden_layers)
        )
        if config.tie_word_embeddings:
            self.norm = operations.RMSNorm(size, eps=eps, **kwargs)
        else:
            self.head = rms_norm_linear(size, vocab_size, eps, operations, **kwargs)

    def forward(self, tokens: torch.Tensor, context: AttentionContext) -> torch.Tensor:
        """Return hidden states, `N, C`, for token ids `N` at the positions of `context`.

        They are the output of the last layer, before the final norm; see `logits`.
        """
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x, context)
        return x

    def tied_head(self, device: torch.device, dtype: torch.dtype) -> torch.Tensor | None:
        """Return the output matrix `V, C` of a model with tied embeddings, else None.

        It is a copy if a host keeps the embedding on another device or streams it in. Call this
        once per text and pass the result to `logits`, which would otherwise copy per token.
        """
        if not self.config.tie_word_embeddings:
            return None
        weight: torch.Tensor = self.embedding.weight
        return weight.to(device, dtype)

    def logits(self, hidden: torch.Tensor, tied: torch.Tensor | None = None) -> torch.Tensor:
        """Return the next token's logits, `N, V`, for hidden states `N, C`.

        `tied` is the result of `tied_head`; None fetches it for this call.
        """
        if tied is None:
            tied = self.tied_head(hidden.device, hidden.dtype)
        if tied is None:
            return self.head(hidden)
        return functional.linear(self.norm(hidden), tied)

    def sequence_logits(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return logits `B, T, V` for the token ids `B, T` of independent sequences, uncached."""
        dtype = self.embedding(tokens[:0, 0]).dtype
        batch, length = tokens.shape
        context = UncachedContext(self.config, batch, length, tokens.device, dtype)
        return self.logits(self(tokens.flatten(), context)).unflatten(0, tokens.shape)
