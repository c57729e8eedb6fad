"""Keys and values of the tokens that a model has already seen."""

from __future__ import annotations

import torch

from .config import LlamaConfig


class KVCache:
    """A preallocated cache for `batch` streams of up to `capacity` tokens.

    Each layer holds keys and values of shape `B, KV, capacity, D` (KV: key/value heads, D: head
    size). All streams are of equal length; `length` tokens of each are filled.
    """

    def __init__(
        self,
        config: LlamaConfig,
        batch: int,
        capacity: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        shape = (batch, config.num_key_value_heads, capacity, config.head_dim)
        self.capacity = capacity
        self.length = 0
        self._layers = [
            (
                torch.empty(shape, device=device, dtype=dtype),
                torch.empty(shape, device=device, dtype=dtype),
            )
            for _ in range(config.num_hidden_layers)
        ]

    @staticmethod
    def size_in_bytes(config: LlamaConfig, batch: int, capacity: int, dtype: torch.dtype) -> int:
        """Return what a cache of this shape takes."""
        entries = config.num_hidden_layers * config.num_key_value_heads * config.head_dim
        return 2 * entries * batch * capacity * dtype.itemsize

    def reserve(self, capacity: int) -> None:
        """Make room for `capacity` tokens in all; what is there stays."""
        if capacity <= self.capacity:
            return
        for number, pair in enumerate(self._layers):
            wider = [one.new_empty((*one.shape[:2], capacity, one.shape[3])) for one in pair]
            for old, new in zip(pair, wider, strict=True):
                new[:, :, : self.length] = old[:, :, : self.length]
            self._layers[number] = (wider[0], wider[1])
        self.capacity = capacity

    def cut(self, length: int) -> None:
        """Forget all but the first `length` tokens."""
        assert length <= self.length, f"cache of {self.length} tokens cut to {length}"
        self.length = length

    def extend(
        self, layer: int, keys: torch.Tensor, values: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append `B, KV, T, D` to a layer and return views of all that it holds then."""
        end = self.length + keys.shape[2]
        assert end <= self.capacity, f"cache of {self.capacity} tokens asked to hold {end}"
        all_keys, all_values = self._layers[layer]
        all_keys[:, :, self.length : end] = keys
        all_values[:, :, self.length : end] = values
        return all_keys[:, :, :end], all_values[:, :, :end]

    def advance(self, tokens: int) -> None:
        """Count the tokens in that every layer has been extended by."""
        self.length += tokens
