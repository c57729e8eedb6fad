"""Llama (Touvron et al. 2023), with matrices that read the same put together.

Modules come from an `operations` namespace: `torch.nn` by default, the host's own inside ComfyUI,
which then casts and streams the weights as it does for every other model.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .config import LlamaConfig
from .kv_cache import Reading, Uncached
from .moe import MixtureOfExperts


def rotate(x: torch.Tensor, turn: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Return `x` (`N, H, D`) turned by the angles of its positions: see `rotary_tables`."""
    cos, sin = turn
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin)


class NormedLinear(nn.Module):
    """RMSNorm (Zhang and Sennrich 2019) and the linear layer behind it."""

    def __init__(self, inputs: int, outputs: int, eps: float, ops: Any, **kwargs: Any) -> None:
        super().__init__()
        self.norm = ops.RMSNorm(inputs, eps=eps, **kwargs)
        self.linear = ops.Linear(inputs, outputs, bias=False, **kwargs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `N, O` for `x` (`N, I`)."""
        return self.linear(self.norm(x))


def normed_linear(inputs: int, outputs: int, eps: float, ops: Any, **kwargs: Any) -> nn.Module:
    """Return the norm and linear layer of `ops`, which may have one that is both."""
    made: nn.Module = getattr(ops, "NormedLinear", NormedLinear)(
        inputs, outputs, eps, ops, **kwargs
    )
    return made


class Attention(nn.Module):
    """A norm, then causal self-attention with grouped key/value heads.

    Queries, keys and values are one matrix, in this order.
    """

    def __init__(self, config: LlamaConfig, layer: int, ops: Any, **kwargs: Any) -> None:
        super().__init__()
        self.layer = layer
        self.heads = config.num_attention_heads
        self.kv_heads = config.num_key_value_heads
        self.head_dim = config.head_dim
        self.qk_norm = config.qk_norm
        width = (self.heads + 2 * self.kv_heads) * self.head_dim
        self.qkv_proj = normed_linear(config.hidden_size, width, config.rms_norm_eps, ops, **kwargs)
        width = self.heads * self.head_dim
        self.o_proj = ops.Linear(width, config.hidden_size, bias=False, **kwargs)
        if config.qk_norm:
            self.q_norm = ops.RMSNorm(config.head_dim, eps=config.rms_norm_eps, **kwargs)
            self.k_norm = ops.RMSNorm(config.head_dim, eps=config.rms_norm_eps, **kwargs)

    def forward(self, x: torch.Tensor, reading: Reading) -> torch.Tensor:
        """Attend from `x` (`N, C`) to all that `reading` lets it see."""
        heads = self.qkv_proj(x).view(len(x), -1, self.head_dim)
        queried, kept = self.heads, self.kv_heads
        turned, values = heads[:, : queried + kept], heads[:, queried + kept :]
        if self.qk_norm:
            queries, keys = turned[:, :queried], turned[:, queried:]
            turned = torch.cat((self.q_norm(queries), self.k_norm(keys)), dim=1)
        turned = rotate(turned, reading.turn)
        queries, keys = turned[:, :queried], turned[:, queried:]
        return self.o_proj(reading.attend(self.layer, queries, keys, values).flatten(1))


class MLP(nn.Module):
    """A norm, then a SwiGLU feed-forward block (Shazeer 2020).

    Gate and up are one matrix, the gate's rows first.
    """

    def __init__(self, config: LlamaConfig, ops: Any, **kwargs: Any) -> None:
        super().__init__()
        hidden, inner = config.hidden_size, config.intermediate_size
        self.gate_up_proj = normed_linear(hidden, 2 * inner, config.rms_norm_eps, ops, **kwargs)
        # `ops` may have a layer of its own for what comes from an activation.
        linear = getattr(ops, "ActivatedLinear", ops.Linear)
        self.down_proj = linear(inner, hidden, bias=False, **kwargs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output for `x` (`N, C`)."""
        gate, up = self.gate_up_proj(x).chunk(2, dim=-1)
        return self.down_proj(functional.silu(gate).mul_(up))


class Block(nn.Module):
    """One layer: attention, then feed-forward, each added to what goes in."""

    def __init__(self, config: LlamaConfig, layer: int, ops: Any, **kwargs: Any) -> None:
        super().__init__()
        self.self_attn = Attention(config, layer, ops, **kwargs)
        if config.has_experts(layer):
            self.mlp: nn.Module = MixtureOfExperts(config, ops, **kwargs)
        else:
            self.mlp = MLP(config, ops, **kwargs)

    def forward(self, x: torch.Tensor, reading: Reading) -> torch.Tensor:
        """Return the layer's output for `x` (`N, C`)."""
        x = x + self.self_attn(x, reading)
        return x + self.mlp(x)


class Llama(nn.Module):
    """A Llama language model; `file_state` gives its weights the names of a Hugging Face file.

    With tied embeddings the head is a norm alone: the embedding matrix serves both ends.
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
        size, words, eps = config.hidden_size, config.vocab_size, config.rms_norm_eps
        self.config = config
        self.embedding = operations.Embedding(words, size, **kwargs)
        self.layers = nn.ModuleList(
            Block(config, layer, operations, **kwargs) for layer in range(config.num_hidden_layers)
        )
        if config.tie_word_embeddings:
            self.norm = operations.RMSNorm(size, eps=eps, **kwargs)
        else:
            self.head = normed_linear(size, words, eps, operations, **kwargs)

    def read(self, tokens: torch.Tensor, reading: Reading) -> torch.Tensor:
        """Return hidden states `N, C` for token ids `N`."""
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x, reading)
        return x

    def tied_matrix(self, device: torch.device, dtype: torch.dtype) -> torch.Tensor | None:
        """Return the output matrix `V, C` of a model that ties it to its embedding, else None.

        It is a copy where a host keeps the embedding elsewhere or streams it in: get it once for a
        text and give it to `logits`, which would copy it for every token.
        """
        if not self.config.tie_word_embeddings:
            return None
        weight: torch.Tensor = self.embedding.weight
        return weight.to(device, dtype)

    def logits(self, hidden: torch.Tensor, tied: torch.Tensor | None = None) -> torch.Tensor:
        """Return the scores of the next token, `N, V`, for hidden states `N, C`.

        `tied` is the result of `tied_matrix`.
        """
        if tied is None:
            tied = self.tied_matrix(hidden.device, hidden.dtype)
        if tied is None:
            return self.head(hidden)
        return functional.linear(self.norm(hidden), tied)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return logits `B, T, V` for token ids `B, T`, texts of their own."""
        dtype = self.embedding(tokens[:0, 0]).dtype
        batch, length = tokens.shape
        reading = Uncached(self.config, batch, length, tokens.device, dtype)
        return self.logits(self.read(tokens.flatten(), reading)).unflatten(0, tokens.shape)
