"""Texts that one model continues side by side, each in a row of its own.

What comes out of a row depends on what was asked in it since its last `clear`, never on the other
rows: see `DecodeContext` and `Fp16DecodeContext`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import cached_property

import torch

from ..model.fp16_kv_cache import Fp16KVCache
from ..model.kv_cache import KVCache
from ..model.llama import Llama
from .token_sampling import SamplingOptions, candidates, draw, uniform_numbers

# So many tokens of a prompt are read in one pass, which bounds the memory that it takes.
_READ_AT_ONCE = 256
# A cache grows by as many tokens.
GROWTH = 256


class Rows:
    """`count` rows of `model`, which computes in `dtype` on `device`.

    Keys and values are kept in the same, or in half precision for `has_small_cache`. The last token
    of a row's text is not in the cache yet: it is what the next step feeds.
    """

    def __init__(
        self,
        model: Llama,
        count: int,
        options: SamplingOptions,
        *,
        device: torch.device,
        dtype: torch.dtype,
        has_small_cache: bool = False,
        newline_ids: Sequence[int] = (),
    ) -> None:
        self.model = model
        self.dtype = dtype
        self.options = options
        self.device = device
        self.cache = (
            Fp16KVCache(model.config, count, 0)
            if has_small_cache
            else KVCache(model.config, count, 0, device, dtype)
        )
        self.texts: list[list[int]] = [[] for _ in range(count)]
        # What each row read first, while it is all still there.
        self._first: list[list[int]] = [[] for _ in range(count)]
        self.generators = [torch.Generator() for _ in range(count)]
        # No end token and no end of a line may come in a row until its text is this long.
        self.least = [0] * count
        # What must not come next in a row, from its `begin` to the token behind it.
        self._not_next: list[Collection[int]] = [()] * count
        # The ids of each text; what is behind one repeats its first id.
        self.seen = torch.zeros(count, 1, dtype=torch.long, device=device)
        ends = (*model.config.eos_token_ids, *newline_ids)
        self.ends = torch.tensor(ends, dtype=torch.long, device=device)

    @cached_property
    def tied(self) -> torch.Tensor | None:
        """The output matrix of a model that ties it, fetched once: see `Llama.tied_head`."""
        return self.model.tied_head(self.device, self.dtype)

    def clear(self, row: int) -> None:
        """Begin anew in a row."""
        self.cache.truncate(row, 0)
        self.texts[row] = []
        self._first[row] = []

    def begin(
        self,
        row: int,
        prompt: Sequence[int],
        seed: int,
        least: int,
        not_first: Collection[int] = (),
    ) -> None:
        """Let a row go on behind `prompt`, with at least `least` tokens before an end.

        The first of them is none of `not_first`.

        What the row has read of it already is kept; the whole first prompt of a row is copied
        from one that has read the same.
        """
        assert prompt, "a prompt of no tokens"
        kept = min(common(self.texts[row], prompt), self.cache.lengths[row], len(prompt) - 1)
        self.cache.truncate(row, kept)
        if kept < len(self._first[row]):
            self._first[row] = []
        new = list(prompt[kept:-1])
        self.reserve(len(prompt))
        if not kept:
            twin = next((r for r, first in enumerate(self._first) if new and first == new), None)
            self._first[row] = new
            if twin is not None:
                self.cache.copy_prefix(twin, row, len(new))
                new = []
        for start in range(0, len(new), _READ_AT_ONCE):
            some = new[start : start + _READ_AT_ONCE]
            tokens = torch.tensor(some, device=self.device)
            self.model(tokens, self.cache.prefill(row, len(some)))
        self.texts[row] = list(prompt)
        self.generators[row].manual_seed(seed)
        self.least[row] = len(prompt) + least
        self._not_next[row] = not_first
        self.seen[row] = prompt[0]
        self.seen[row, : len(prompt)] = torch.tensor(self.texts[row], device=self.device)

    def reserve(self, tokens: int) -> None:
        """Make room for texts of so many tokens."""
        self.cache.reserve(rounded_up(tokens))
        missing = self.cache.capacity - self.seen.shape[1]
        if missing > 0:
            self.seen = torch.cat((self.seen, self.seen[:, :1].expand(-1, missing)), dim=1)

    def visit(self, rows: Sequence[int]) -> list[list[int]]:
        """Return the next tokens of `rows`, which are part of their texts from then on."""
        self.reserve(1 + max(len(self.texts[row]) for row in rows))
        tokens = torch.tensor([self.texts[row][-1] for row in rows], device=self.device)
        hidden = self.model(tokens, self.cache.decode(rows))
        check_numbers(math.isfinite(hidden.sum().item()))
        drawn = self._draw(rows, self.model.logits(hidden, self.tied))
        for row, token in zip(rows, drawn, strict=True):
            self.seen[row, len(self.texts[row])] = token
            self.texts[row].append(token)
        return [[token] for token in drawn]

    def barred(self, rows: Sequence[int]) -> torch.Tensor | None:
        """Return which ids must not come next in `rows` (`B, V`, bool, on the CPU), None for none.

        They count for one token: what is returned is forgotten.
        """
        if not any(self._not_next[row] for row in rows):
            return None
        mask = torch.zeros(len(rows), self.model.config.vocab_size, dtype=torch.bool)
        for place, row in enumerate(rows):
            mask[place, list(self._not_next[row])] = True
            self._not_next[row] = ()
        return mask

    def _draw(self, rows: Sequence[int], logits: torch.Tensor) -> list[int]:
        early = [len(self.texts[row]) < self.least[row] for row in rows]
        longest = max(len(self.texts[row]) for row in rows)
        chosen = candidates(
            logits,
            self.options,
            seen=self.seen[list(rows), :longest],
            ends=self.ends,
            too_early=torch.tensor(early) if any(early) else None,
            barred=self.barred(rows),
        )
        uniform = uniform_numbers([self.generators[row] for row in rows])
        ids: list[int] = draw(chosen, uniform).tolist()
        return ids


def check_numbers(are_finite: bool) -> None:
    """Raise RuntimeError if what a model computes is no numbers any more."""
    if not are_finite:
        raise RuntimeError(
            "the model computes no numbers: its weights are damaged or too large for this "
            "precision; choose precision fp32, or copy the model again"
        )


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many ids both begin with."""
    pairs = zip(first, second, strict=False)
    return next(
        (n for n, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second))
    )


def rounded_up(tokens: int) -> int:
    """Return a capacity that so many tokens fit into."""
    return -(-tokens // GROWTH) * GROWTH
