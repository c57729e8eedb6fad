"""The key/value cache, and the attention of new tokens to the tokens that it holds.

A forward pass gets an `AttentionContext`, which knows the positions of its tokens and attends for
them: `PrefillContext` for many tokens of one row, `DecodeContext` for one token of each of many
rows, `UncachedContext` for whole sequences without a cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch.nn import functional

from .config import LlamaConfig


class AttentionContext(Protocol):
    """The positions of the N tokens of one forward pass, and their attention.

    `cos_sin` holds the rotary cosines and signed sines of the positions; both broadcast to
    `N, 1, D`.
    """

    cos_sin: tuple[torch.Tensor, torch.Tensor]

    def attend(
        self, layer: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Return the attention output, `N, H, D`, for queries of the same shape.

        `keys` and `values` (`N, KV, D`) are those of this pass.
        """


def rotary_tables(
    config: LlamaConfig, length: int, device: torch.device, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cosines and signed sines of the first `length` positions, each `length, 1, D`.

    RoPE (Su et al. 2021) in the half-split layout of Hugging Face checkpoints: the first half of a
    head is rotated with its second half, so the first half of the sines is negative. Computed in
    fp32, returned in `dtype`.
    """
    exponents = torch.arange(0, config.head_dim, 2, device=device, dtype=torch.float32)
    frequencies = config.rope_theta ** (-exponents / config.head_dim)
    angles = torch.outer(torch.arange(length, device=device, dtype=torch.float32), frequencies)
    cos, sin = angles.cos(), angles.sin()
    tables = torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1)
    return tables[0].to(dtype)[:, None], tables[1].to(dtype)[:, None]


class UncachedContext:
    """`batch` sequences of `tokens` tokens each, concatenated, that start at position 0."""

    def __init__(
        self,
        config: LlamaConfig,
        batch: int,
        tokens: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._batch = batch
        cos, sin = rotary_tables(config, tokens, device, dtype)
        self.cos_sin = cos.repeat(batch, 1, 1), sin.repeat(batch, 1, 1)

    def attend(
        self, layer: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Return `N, H, D`: each token attends to itself and the earlier ones of its sequence."""
        by_sequence = [
            one.unflatten(0, (self._batch, -1)).transpose(1, 2) for one in (queries, keys, values)
        ]
        queries, keys, values = by_sequence
        return causal_attention(queries, keys, values, before=0).transpose(1, 2).flatten(0, 1)


class KVCache:
    """The keys and values of `rows` sequences, each of its own length.

    Each layer holds two tensors `R, KV, capacity, D` (R rows, KV key/value heads, D head size);
    of row r the first `lengths[r]` tokens are valid. `dtype` may be smaller than `compute_dtype`,
    the model's: attention to a long row takes the time of reading its keys and values.
    """

    def __init__(
        self,
        config: LlamaConfig,
        rows: int,
        capacity: int,
        device: torch.device,
        dtype: torch.dtype,
        compute_dtype: torch.dtype | None = None,
    ) -> None:
        compute_dtype = compute_dtype or dtype
        self.config = config
        self.capacity = capacity
        self.lengths = [0] * rows
        # True if unused entries must be zeros, for attention that reads and masks them.
        self.is_zero_filled = False
        self._dtype, self._device = dtype, device
        self.layers = [self._new_layer(rows, capacity) for _ in range(config.num_hidden_layers)]
        self.rotary_tables = rotary_tables(config, capacity, device, compute_dtype)

    def _new_layer(self, rows: int, capacity: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return new tensors for the keys and the values of a layer."""
        shape = (rows, self.config.num_key_value_heads, capacity, self.config.head_dim)
        kwargs: dict[str, Any] = {"device": self._device, "dtype": self._dtype}
        create = torch.zeros if self.is_zero_filled else torch.empty
        return create(shape, **kwargs), create(shape, **kwargs)

    def _spans(self, tokens: int) -> tuple[int, int]:
        """Return the lengths along axis 2 of keys and of values that hold `tokens` tokens."""
        return tokens, tokens

    def prefill(self, row: int, tokens: int) -> AttentionContext:
        """Return the context of a pass over the next `tokens` tokens of one row."""
        return PrefillContext(self, row, tokens)

    def decode(self, rows: Sequence[int]) -> AttentionContext:
        """Return the context of a pass over the next token of each of `rows`."""
        return DecodeContext(self, rows)

    @staticmethod
    def size_in_bytes(config: LlamaConfig, rows: int, capacity: int, dtype: torch.dtype) -> int:
        """Return the size in bytes of a cache of this shape."""
        entries = config.num_hidden_layers * config.num_key_value_heads * config.head_dim
        return 2 * entries * rows * capacity * dtype.itemsize

    def reserve(self, capacity: int) -> None:
        """Grow to `capacity` tokens per row if it is smaller; the contents stay."""
        if capacity > self.capacity:
            self._grow(capacity)

    def _grow(self, capacity: int) -> None:
        spans = self._spans(max(self.lengths))
        for number, pair in enumerate(self.layers):
            # Layer by layer, so that only one layer is in memory twice.
            larger = self._new_layer(len(self.lengths), capacity)
            for old, new, span in zip(pair, larger, spans, strict=True):
                new[:, :, :span] = old[:, :, :span]
            self.layers[number] = larger
        self.capacity = capacity
        cos, _ = self.rotary_tables
        self.rotary_tables = rotary_tables(self.config, capacity, cos.device, cos.dtype)

    def extend(self, row: int, tokens: int) -> int:
        """Count `tokens` more tokens in a row, before they are written; return the new length."""
        end = self.lengths[row] + tokens
        assert end <= self.capacity, f"cache of {self.capacity} tokens asked to hold {end}"
        self.lengths[row] = end
        return end

    def truncate(self, row: int, length: int) -> None:
        """Drop all but the first `length` tokens of a row."""
        assert length <= self.lengths[row], f"row of {self.lengths[row]} tokens cut to {length}"
        self.lengths[row] = length

    def copy_prefix(self, source: int, row: int, length: int) -> None:
        """Replace the contents of `row` with the first `length` tokens of `source`."""
        assert length <= self.lengths[source]
        for pair in self.layers:
            for one, span in zip(pair, self._spans(length), strict=True):
                one[row, :, :span] = one[source, :, :span]
        self.lengths[row] = length


class PrefillContext:
    """The next tokens of one row of a `KVCache`; creating it extends the row by them."""

    def __init__(self, cache: KVCache, row: int, tokens: int) -> None:
        self._cache = cache
        self._row = row
        self._before = cache.lengths[row]
        self._end = cache.extend(row, tokens)
        cos, sin = cache.rotary_tables
        self.cos_sin = cos[self._before : self._end], sin[self._before : self._end]

    def attend(
        self, layer: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Return `N, H, D`: each token attends to itself and all earlier tokens of the row."""
        row_keys, row_values = (one[self._row] for one in self._cache.layers[layer])
        row_keys[:, self._before : self._end] = keys.transpose(0, 1)
        row_values[:, self._before : self._end] = values.transpose(0, 1)
        output = causal_attention(
            queries.to(row_keys.dtype).transpose(0, 1)[None],
            row_keys[None, :, : self._end],
            row_values[None, :, : self._end],
            self._before,
        )
        return output[0].transpose(0, 1).to(queries.dtype)


class DecodeContext:
    """The next token of each of some rows; a row's result does not depend on the other rows."""

    def __init__(self, cache: KVCache, rows: Sequence[int]) -> None:
        self._cache = cache
        ends = [cache.extend(row, 1) for row in rows]
        cos, sin = cache.rotary_tables
        positions = torch.tensor(ends, device=cos.device) - 1
        self.cos_sin = cos[positions], sin[positions]
        self._groups = equal_length_runs(rows, ends)

    def attend(
        self, layer: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Return `N, H, D`: each token attends to itself and all earlier tokens of its row."""
        all_keys, all_values = self._cache.layers[layer]
        # Query heads that share a key head become its rows, so that no key is copied.
        grouped = queries.to(all_keys.dtype).unflatten(1, (keys.shape[1], -1))
        outputs = []
        for in_pass, in_cache, end in self._groups:
            row_keys, row_values = all_keys[in_cache], all_values[in_cache]
            row_keys[:, :, end - 1] = keys[in_pass]
            row_values[:, :, end - 1] = values[in_pass]
            outputs.append(
                functional.scaled_dot_product_attention(
                    grouped[in_pass], row_keys.narrow(2, 0, end), row_values.narrow(2, 0, end)
                )
            )
        output = outputs[0] if len(outputs) == 1 else torch.cat(outputs)
        return output.flatten(1, 2).to(queries.dtype)


def equal_length_runs(rows: Sequence[int], ends: Sequence[int]) -> list[tuple[slice, slice, int]]:
    """Group adjacent rows of equal length, whose attention is computed together.

    Returns for each group the slice of its rows in the pass, the slice of its rows in the cache,
    and their common length in tokens.
    """
    groups: list[tuple[slice, slice, int]] = []
    for number, (row, end) in enumerate(zip(rows, ends, strict=True)):
        in_pass, in_cache, length = groups[-1] if groups else (slice(0), slice(0), 0)
        if (in_cache.stop, length) == (row, end):
            groups.pop()
        else:
            in_pass, in_cache = slice(number, number), slice(row, row)
        groups.append((slice(in_pass.start, number + 1), slice(in_cache.start, row + 1), end))
    return groups


def causal_attention(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, before: int
) -> torch.Tensor:
    """Return causal attention of `queries` (`B, H, T, D`) to `before + T` keys, `B, H, T, D`.

    `keys` and `values` are `B, KV, before + T, D`; each group of query heads shares one key/value
    head (grouped-query attention, Ainslie et al. 2023).
    """
    groups, tokens = queries.shape[1] // keys.shape[1], queries.shape[2]
    if groups > 1:
        keys, values = (one.repeat_interleave(groups, dim=1) for one in (keys, values))
    mask = None
    if before:
        # Query t may attend to the earlier `before` tokens and to the first t of this pass.
        mask = torch.ones(tokens, before + tokens, dtype=torch.bool, device=queries.device)
        mask = mask.tril(diagonal=before)
    return functional.scaled_dot_product_attention(
        queries, keys, values, attn_mask=mask, is_causal=not before
    )
