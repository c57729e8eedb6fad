"""Keys and values in half precision on a CPU, attended to about as fast as memory is read.

Attention is two weighted sums of rows, see `row_sums`: the scores are those of a key matrix's rows,
one for each value of a head, with the query as weights; the result is that of the values' rows,
with the probabilities as weights. `scaled_dot_product_attention` takes 3 to 7 times as long for
one query in half precision; in fp32 2 to 3 times, except for one row of less than a hundred tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..kernels.embedding_bag import row_sums, starts_of
from .config import LlamaConfig
from .kv_cache import KVCache, RowReading, Step, causal

# Tokens whose keys stand together, transposed; a row's cache is read in whole blocks.
BLOCK = 64


class HalfCache(KVCache):
    """A cache whose layers hold keys as `R, KV, blocks, D, BLOCK` and values as `R, KV, T, D`.

    What is behind a row is read, too, and counts for nothing, so that it must always be finite.
    """

    def __init__(self, config: LlamaConfig, rows: int, capacity: int) -> None:
        super().__init__(config, rows, capacity, torch.device("cpu"), torch.float16, torch.float32)
        self._places: tuple[tuple[tuple[int, ...], int], _Places] | None = None

    def _layer(self, rows: int, capacity: int) -> tuple[torch.Tensor, torch.Tensor]:
        heads, width = self.config.num_key_value_heads, self.config.head_dim
        blocks = blocks_of(capacity)
        return (
            torch.zeros(rows, heads, blocks, width, BLOCK, dtype=torch.float16),
            torch.zeros(rows, heads, blocks * BLOCK, width, dtype=torch.float16),
        )

    def _spans(self, tokens: int) -> tuple[int, int]:
        blocks = blocks_of(tokens)
        return blocks, blocks * BLOCK

    def _reserve(self, capacity: int) -> None:
        super()._reserve(capacity)
        self._places = None

    def reading(self, row: int, tokens: int) -> HalfReading:
        """Return the pass of the next `tokens` of one row."""
        return HalfReading(self, row, tokens)

    def step(self, rows: Sequence[int]) -> HalfStep:
        """Return the pass of the next token of each of `rows`."""
        return HalfStep(self, rows)

    def places(self, rows: Sequence[int], blocks: int) -> _Places:
        """Return where the first `blocks` of `rows` are; kept until others are asked for."""
        key = tuple(rows), blocks
        if self._places is None or self._places[0] != key:
            self._places = key, _Places(self.config, rows, blocks, blocks_of(self.capacity))
        return self._places[1]


def blocks_of(tokens: int) -> int:
    """Return how many blocks hold so many tokens."""
    return -(-tokens // BLOCK)


class _Places:
    """Which rows of the tables that a layer's keys and values are belong to which sum."""

    def __init__(
        self, config: LlamaConfig, rows: Sequence[int], blocks: int, capacity: int
    ) -> None:
        """`capacity` is that of the cache, in blocks."""
        heads, width = config.num_key_value_heads, config.head_dim
        # Each query head reads the keys of its group's head (Ainslie et al. 2023).
        head = torch.arange(config.num_attention_heads) // (config.num_attention_heads // heads)
        first = (torch.tensor(list(rows))[:, None] * heads + head).flatten() * capacity
        block = first[:, None] + torch.arange(blocks)
        sums = len(first)
        self.keys = _runs(block * width, width)
        self.key_sums = starts_of(sums * blocks, width)
        self.values = _runs(block * BLOCK, BLOCK)
        self.value_sums = starts_of(sums, blocks * BLOCK)


def _runs(starts: torch.Tensor, length: int) -> torch.Tensor:
    """Return `length` numbers from each start on, one run behind the other, int32."""
    return (starts[..., None] + torch.arange(length)).flatten().int()


class HalfReading(RowReading):
    """The next tokens of one row of a `HalfCache`."""

    def attend(
        self, layer: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Each token sees all that the row has read before it, and itself."""
        seen_keys, seen_values = (one[self._row] for one in self._cache.layers[layer])
        for start in range(self._before - self._before % BLOCK, self._end, BLOCK):
            first, last = max(start, self._before), min(start + BLOCK, self._end)
            new = keys[first - self._before : last - self._before].permute(1, 2, 0)
            seen_keys[:, start // BLOCK, :, first - start : last - start] = new
        seen_values[:, self._before : self._end] = values.transpose(0, 1)
        blocks = seen_keys[:, : blocks_of(self._end)].transpose(2, 3).flatten(1, 2)
        mixed = causal(
            queries.transpose(0, 1)[None],
            blocks[None, :, : self._end].to(queries.dtype),
            seen_values[None, :, : self._end].to(queries.dtype),
            self._before,
        )
        return mixed[0].transpose(0, 1)


class HalfStep(Step):
    """The next token of each of some rows of a `HalfCache`."""

    def __init__(self, cache: HalfCache, rows: Sequence[int]) -> None:
        super().__init__(cache, rows)
        lengths = torch.tensor([cache.lengths[row] for row in rows])
        self._blocks = blocks_of(int(lengths.max()))
        self._places = cache.places(rows, self._blocks)
        behind = torch.arange(self._blocks * BLOCK) >= lengths[:, None]
        self._mask = torch.zeros(behind.shape).masked_fill_(behind, -torch.inf)[:, None]
        self._scale = cache.config.head_dim**-0.5

    def attend(
        self, layer: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Each row's token sees all that its row has read, and itself."""
        all_keys, all_values = self._cache.layers[layer]
        for here, there, end in self._groups:
            block, place = divmod(end - 1, BLOCK)
            all_keys[there, :, block, :, place] = keys[here]
            all_values[there, :, end - 1] = values[here]
        count, heads, width = queries.shape
        places, half = self._places, queries.to(torch.float16)
        if self._blocks > 1:
            half = half[:, :, None].expand(-1, -1, self._blocks, -1)
        scores = row_sums(all_keys.view(-1, BLOCK), places.keys, places.key_sums, half.reshape(-1))
        scores = torch.add(self._mask, scores.view(count, heads, -1), alpha=self._scale)
        seen = scores.softmax(-1).to(torch.float16).view(-1)
        mixed = row_sums(all_values.view(-1, width), places.values, places.value_sums, seen)
        return mixed.view(count, heads, width).to(queries.dtype)
