"""Keys and values of the tokens that a model has already seen, and attention to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch.nn import functional

from .config import LlamaConfig


class Reading(Protocol):
    """One pass of N tokens through the model: where they stand and what they may see.

    `turn` is the cosines and sines of the positions, both broadcast to `N, 1, D`.
    """

    turn: tuple[torch.Tensor, torch.Tensor]

    def attend(
        self, layer: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Return what each query (`N, H, D`) makes of the values that it sees, alike in size.

        `keys` and `values` (`N, KV, D`) are those of this pass.
        """


def rotary_tables(
    config: LlamaConfig, length: int, device: torch.device, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cosines and signed sines of the first `length` positions, each `length, 1, D`.

    Su et al. 2021 (RoFormer), in the half-split layout of the Hugging Face checkpoints: a head's
    first half is turned with its second, so that the first half of the sines counts as negative.
    Computed in fp32.
    """
    exponents = torch.arange(0, config.head_dim, 2, device=device, dtype=torch.float32)
    frequencies = config.rope_theta ** (-exponents / config.head_dim)
    angles = torch.outer(torch.arange(length, device=device, dtype=torch.float32), frequencies)
    cos, sin = angles.cos(), angles.sin()
    tables = torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1)
    return tables[0].to(dtype)[:, None], tables[1].to(dtype)[:, None]


class Uncached:
    """`batch` sequences of `tokens` each, read from the beginning, one behind the other."""

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
        self.turn = cos.repeat(batch, 1, 1), sin.repeat(batch, 1, 1)

    def attend(
        self, layer: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Each token sees those of its sequence before it and itself."""
        apart = [
            one.unflatten(0, (self._batch, -1)).transpose(1, 2) for one in (queries, keys, values)
        ]
        queries, keys, values = apart
        return causal(queries, keys, values, before=0).transpose(1, 2).flatten(0, 1)


class KVCache:
    """What has been read of some rows, each of a length of its own.

    Each layer holds keys and values of shape `R, KV, capacity, D` (R: rows, KV: key/value heads,
    D: head size); of row r the first `lengths[r]` tokens are filled. `dtype` may be a smaller one
    than `compute_dtype`, the model's: attention to many tokens costs what reading them costs.
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
        # Whether what is not filled holds zeros, for those who read it and make nothing of it.
        self.is_blank = False
        self._dtype, self._device = dtype, device
        self.layers = [self._layer(rows, capacity) for _ in range(config.num_hidden_layers)]
        self.tables = rotary_tables(config, capacity, device, compute_dtype)

    def _layer(self, rows: int, capacity: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return room for the keys and the values of a layer."""
        shape = (rows, self.config.num_key_value_heads, capacity, self.config.head_dim)
        kwargs: dict[str, Any] = {"device": self._device, "dtype": self._dtype}
        made = torch.zeros if self.is_blank else torch.empty
        return made(shape, **kwargs), made(shape, **kwargs)

    def _spans(self, tokens: int) -> tuple[int, int]:
        """Return how far so many tokens of a row reach in the third axis of keys and of values."""
        return tokens, tokens

    def reading(self, row: int, tokens: int) -> Reading:
        """Return the pass of the next `tokens` of one row."""
        return RowReading(self, row, tokens)

    def step(self, rows: Sequence[int]) -> Reading:
        """Return the pass of the next token of each of `rows`."""
        return Step(self, rows)

    @staticmethod
    def size_in_bytes(config: LlamaConfig, rows: int, capacity: int, dtype: torch.dtype) -> int:
        """Return what a cache of this shape takes."""
        entries = config.num_hidden_layers * config.num_key_value_heads * config.head_dim
        return 2 * entries * rows * capacity * dtype.itemsize

    def reserve(self, capacity: int) -> None:
        """Make room for `capacity` tokens a row in all; what is there stays."""
        if capacity > self.capacity:
            self._reserve(capacity)

    def _reserve(self, capacity: int) -> None:
        spans = self._spans(max(self.lengths))
        for number, pair in enumerate(self.layers):
            # Layer by layer, so that no more than one is there twice.
            wider = self._layer(len(self.lengths), capacity)
            for old, new, span in zip(pair, wider, spans, strict=True):
                new[:, :, :span] = old[:, :, :span]
            self.layers[number] = wider
        self.capacity = capacity
        self.tables = rotary_tables(
            self.config, capacity, self.tables[0].device, self.tables[0].dtype
        )

    def lengthen(self, row: int, tokens: int) -> int:
        """Count `tokens` more in a row, which are about to be written; return its length then."""
        end = self.lengths[row] + tokens
        assert end <= self.capacity, f"cache of {self.capacity} tokens asked to hold {end}"
        self.lengths[row] = end
        return end

    def cut(self, row: int, length: int) -> None:
        """Forget all but the first `length` tokens of a row."""
        assert length <= self.lengths[row], f"row of {self.lengths[row]} tokens cut to {length}"
        self.lengths[row] = length

    def copy(self, source: int, row: int, length: int) -> None:
        """Let `row` have read the first `length` tokens of `source` and nothing else."""
        assert length <= self.lengths[source]
        for pair in self.layers:
            for one, span in zip(pair, self._spans(length), strict=True):
                one[row, :, :span] = one[source, :, :span]
        self.lengths[row] = length


class RowReading:
    """The next tokens of one row, which is longer by them from the first layer on."""

    def __init__(self, cache: KVCache, row: int, tokens: int) -> None:
        self._cache = cache
        self._row = row
        self._before = cache.lengths[row]
        self._end = cache.lengthen(row, tokens)
        cos, sin = cache.tables
        self.turn = cos[self._before : self._end], sin[self._before : self._end]

    def attend(
        self, layer: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Each token sees all that the row has read before it, and itself."""
        seen_keys, seen_values = (one[self._row] for one in self._cache.layers[layer])
        seen_keys[:, self._before : self._end] = keys.transpose(0, 1)
        seen_values[:, self._before : self._end] = values.transpose(0, 1)
        mixed = causal(
            queries.to(seen_keys.dtype).transpose(0, 1)[None],
            seen_keys[None, :, : self._end],
            seen_values[None, :, : self._end],
            self._before,
        )
        return mixed[0].transpose(0, 1).to(queries.dtype)


class Step:
    """The next token of each of some rows; what a row sees and makes of it is its own alone."""

    def __init__(self, cache: KVCache, rows: Sequence[int]) -> None:
        self._cache = cache
        ends = [cache.lengthen(row, 1) for row in rows]
        cos, sin = cache.tables
        places = torch.tensor(ends, device=cos.device) - 1
        self.turn = cos[places], sin[places]
        self._groups = neighbours(rows, ends)

    def attend(
        self, layer: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Each row's token sees all that its row has read, and itself."""
        all_keys, all_values = self._cache.layers[layer]
        # The query heads that read one key head stand as its rows, so that no key is copied.
        grouped = queries.to(all_keys.dtype).unflatten(1, (keys.shape[1], -1))
        mixed = []
        for here, there, end in self._groups:
            seen_keys, seen_values = all_keys[there], all_values[there]
            seen_keys[:, :, end - 1] = keys[here]
            seen_values[:, :, end - 1] = values[here]
            mixed.append(
                functional.scaled_dot_product_attention(
                    grouped[here], seen_keys.narrow(2, 0, end), seen_values.narrow(2, 0, end)
                )
            )
        together = mixed[0] if len(mixed) == 1 else torch.cat(mixed)
        return together.flatten(1, 2).to(queries.dtype)


def neighbours(rows: Sequence[int], ends: Sequence[int]) -> list[tuple[slice, slice, int]]:
    """Return which of `rows` stand side by side and end alike, to be computed together.

    Each group is its rows in the pass, those in the cache, and the length of each of them.
    """
    groups: list[tuple[slice, slice, int]] = []
    for number, (row, end) in enumerate(zip(rows, ends, strict=True)):
        here, there, length = groups[-1] if groups else (slice(0), slice(0), 0)
        if (there.stop, length) == (row, end):
            groups.pop()
        else:
            here, there = slice(number, number), slice(row, row)
        groups.append((slice(here.start, number + 1), slice(there.start, row + 1), end))
    return groups


def causal(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, before: int
) -> torch.Tensor:
    """Causal attention for heads first: `B, H, T, D`, the keys being those of `before + T` tokens.

    Each group of query heads reads one key/value head (Ainslie et al. 2023).
    """
    groups, tokens = queries.shape[1] // keys.shape[1], queries.shape[2]
    if groups > 1:
        keys, values = (one.repeat_interleave(groups, dim=1) for one in (keys, values))
    mask = None
    if before:
        # Token t sees all that came before this pass and columns up to its own.
        mask = torch.ones(tokens, before + tokens, dtype=torch.bool, device=queries.device)
        mask = mask.tril(diagonal=before)
    return functional.scaled_dot_product_attention(
        queries, keys, values, attn_mask=mask, is_causal=not before
    )
