"""A key/value cache in fp16 for CPUs, whose decoding attention runs at memory bandwidth.

Attention is computed as two embedding bags (see `kernels.embedding_bag`). For the scores, the rows
of the transposed keys are summed, weighted with the query; for the output, the rows of the values
are summed, weighted with the probabilities. For one query torch's `scaled_dot_product_attention`
takes 3 to 7 times as long in fp16, and 2 to 3 times in fp32 except for a single row of fewer than
a hundred tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..kernels.embedding_bag import bag_offsets, embedding_bag
from .config import LlamaConfig
from .kv_cache import DecodeContext, KVCache, PrefillContext, causal_attention

# Tokens per block: the keys of a block are stored transposed, and a row is read in whole blocks.
BLOCK = 64


class Fp16KVCache(KVCache):
    """A cache whose layers hold keys as `R, KV, blocks, D, BLOCK` and values as `R, KV, T, D`.

    Entries after the end of a row are read with weight 0. As 0 * NaN is NaN, they must be finite.
    """

    def __init__(self, config: LlamaConfig, rows: int, capacity: int) -> None:
        super().__init__(config, rows, capacity, torch.device("cpu"), torch.float16, torch.float32)
        self._bags: tuple[tuple[tuple[int, ...], int], _Bags] | None = None

    def _new_layer(self, rows: int, capacity: int) -> tuple[torch.Tensor, torch.Tensor]:
        heads, width = self.config.num_key_value_heads, self.config.head_dim
        blocks = block_count(capacity)
        return (
            torch.zeros(rows, heads, blocks, width, BLOCK, dtype=torch.float16),
            torch.zeros(rows, heads, blocks * BLOCK, width, dtype=torch.float16),
        )

    def _spans(self, tokens: int) -> tuple[int, int]:
        blocks = block_count(tokens)
        return blocks, blocks * BLOCK

    def _grow(self, capacity: int) -> None:
        super()._grow(capacity)
        self._bags = None

    def prefill(self, row: int, tokens: int) -> Fp16PrefillContext:
        """Return the context of a pass over the next `tokens` tokens of one row."""
        return Fp16PrefillContext(self, row, tokens)

    def decode(self, rows: Sequence[int]) -> Fp16DecodeContext:
        """Return the context of a pass over the next token of each of `rows`."""
        return Fp16DecodeContext(self, rows)

    def bags(self, rows: Sequence[int], blocks: int) -> _Bags:
        """Return the bags of the first `blocks` blocks of `rows`; the last result is cached."""
        key = tuple(rows), blocks
        if self._bags is None or self._bags[0] != key:
            self._bags = key, _Bags(self.config, rows, blocks, block_count(self.capacity))
        return self._bags[1]


def block_count(tokens: int) -> int:
    """Return how many blocks hold `tokens` tokens."""
    return -(-tokens // BLOCK)


class _Bags:
    """Indices and offsets of each sequence's rows in a layer's key and value tables, int32.

    The key table is `R * KV * blocks * D, BLOCK` and has a bag per query head and block; the value
    table is `R * KV * blocks * BLOCK, D` and has a bag per query head.
    """

    def __init__(
        self, config: LlamaConfig, rows: Sequence[int], blocks: int, capacity: int
    ) -> None:
        """`capacity` is that of the cache, in blocks."""
        heads, width = config.num_key_value_heads, config.head_dim
        # Query heads of a group share one key/value head (Ainslie et al. 2023).
        head = torch.arange(config.num_attention_heads) // (config.num_attention_heads // heads)
        first = (torch.tensor(list(rows))[:, None] * heads + head).flatten() * capacity
        block = first[:, None] + torch.arange(blocks)
        bags = len(first)
        self.key_indices = _ranges(block * width, width)
        self.key_offsets = bag_offsets(bags * blocks, width)
        self.value_indices = _ranges(block * BLOCK, BLOCK)
        self.value_offsets = bag_offsets(bags, blocks * BLOCK)


def _ranges(starts: torch.Tensor, length: int) -> torch.Tensor:
    """Return `start, ..., start + length - 1` for each start, concatenated, int32."""
    return (starts[..., None] + torch.arange(length)).flatten().int()


class Fp16PrefillContext(PrefillContext):
    """The next tokens of one row of an `Fp16KVCache`."""

    def attend(
        self, layer: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Return `N, H, D`: each token attends to itself and all earlier tokens of the row."""
        row_keys, row_values = (one[self._row] for one in self._cache.layers[layer])
        for start in range(self._before - self._before % BLOCK, self._end, BLOCK):
            first, last = max(start, self._before), min(start + BLOCK, self._end)
            new = keys[first - self._before : last - self._before].permute(1, 2, 0)
            row_keys[:, start // BLOCK, :, first - start : last - start] = new
        row_values[:, self._before : self._end] = values.transpose(0, 1)
        by_token = row_keys[:, : block_count(self._end)].transpose(2, 3).flatten(1, 2)
        output = causal_attention(
            queries.transpose(0, 1)[None],
            by_token[None, :, : self._end].to(queries.dtype),
            row_values[None, :, : self._end].to(queries.dtype),
            self._before,
        )
        return output[0].transpose(0, 1)


class Fp16DecodeContext(DecodeContext):
    """The next token of each of some rows of an `Fp16KVCache`."""

    def __init__(self, cache: Fp16KVCache, rows: Sequence[int]) -> None:
        super().__init__(cache, rows)
        lengths = torch.tensor([cache.lengths[row] for row in rows])
        self._blocks = block_count(int(lengths.max()))
        self._bags = cache.bags(rows, self._blocks)
        is_unused = torch.arange(self._blocks * BLOCK) >= lengths[:, None]
        self._mask = torch.zeros(is_unused.shape).masked_fill_(is_unused, -torch.inf)[:, None]
        self._scale = cache.config.head_dim**-0.5

    def attend(
        self, layer: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Return `N, H, D`: each token attends to itself and all earlier tokens of its row."""
        all_keys, all_values = self._cache.layers[layer]
        for in_pass, in_cache, end in self._groups:
            block, place = divmod(end - 1, BLOCK)
            all_keys[in_cache, :, block, :, place] = keys[in_pass]
            all_values[in_cache, :, end - 1] = values[in_pass]
        count, heads, width = queries.shape
        bags, fp16 = self._bags, queries.to(torch.float16)
        if self._blocks > 1:
            fp16 = fp16[:, :, None].expand(-1, -1, self._blocks, -1)
        key_table, value_table = all_keys.view(-1, BLOCK), all_values.view(-1, width)
        scores = embedding_bag(key_table, bags.key_indices, bags.key_offsets, fp16.reshape(-1))
        scores = torch.add(self._mask, scores.view(count, heads, -1), alpha=self._scale)
        probabilities = scores.softmax(-1).to(torch.float16).view(-1)
        output = embedding_bag(value_table, bags.value_indices, bags.value_offsets, probabilities)
        return output.view(count, heads, width).to(queries.dtype)
