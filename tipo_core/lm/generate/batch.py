"""Texts that one model continues side by side, each in a row of a batch.

A row's tokens depend on its prompt, seed and options, never on the other rows: see the attention
contexts in `model.kv_cache` and `model.fp16_kv_cache`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property

import torch

from ..model.fp16_kv_cache import Fp16KVCache
from ..model.kv_cache import KVCache
from ..model.llama import Llama
from .sampling_options import SamplingOptions
from .tag_trie import TokenBias
from .token_sampling import candidates, draw, uniform_numbers

# Tokens of a prompt in one pass; a bound on the memory that a prefill takes.
_PREFILL_TOKENS = 256
# Tokens by which the cache grows.
_CACHE_GROWTH = 256


class DecodeBatch:
    """`count` rows of `model`, which computes in `dtype` on `device`.

    The cache holds keys and values in `dtype`, or in fp16 with `has_small_cache`. The last token
    of a row's text is not in the cache: the next step feeds it to the model. `newline_ids` are
    the ids of tokens with a line break, `inner_ids` those of tokens that continue a word.
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
        inner_ids: Collection[int] = (),
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
        # The token ids of each row: its prompt and the new tokens.
        self.texts: list[list[int]] = [[] for _ in range(count)]
        # The first prompt of each row, as long as the cache still holds all of it.
        self._first_prompts: list[list[int]] = [[] for _ in range(count)]
        self.generators = [torch.Generator() for _ in range(count)]
        # A row draws no end token and no line break until its text has this many tokens.
        self.min_length = [0] * count
        # Ids that each row's next token must not be; emptied once that token is drawn.
        self._banned_next: list[Collection[int]] = [()] * count
        # The bias toward tags of each row's completion, if it has one.
        self._biases: list[TokenBias | None] = [None] * count
        # Rows whose next token must begin a word, and the ids that do not (`V`, bool, CPU).
        self._begins_word = [False] * count
        self._inner_ids = torch.zeros(model.config.vocab_size, dtype=torch.bool)
        self._inner_ids[list(inner_ids)] = True
        # `B, T`: the ids of each text, padded with its first id.
        self.seen = torch.zeros(count, 1, dtype=torch.long, device=device)
        ends = (*model.config.eos_token_ids, *newline_ids)
        self.ends = torch.tensor(ends, dtype=torch.long, device=device)

    @cached_property
    def tied(self) -> torch.Tensor | None:
        """The output matrix of a model that ties it, fetched once: see `Llama.tied_head`."""
        return self.model.tied_head(self.device, self.dtype)

    def clear(self, row: int) -> None:
        """Empty a row."""
        self.cache.truncate(row, 0)
        self.texts[row] = []
        self._first_prompts[row] = []

    def prefill(
        self,
        row: int,
        prompt: Sequence[int],
        seed: int,
        min_length: int,
        banned_first_ids: Collection[int] = (),
        bias: TokenBias | None = None,
        begins_word: bool = False,
    ) -> None:
        """Make `prompt` the text of a row and read all of it but the last token.

        At least `min_length` new tokens come before an end; the first is none of
        At least `min_length` new tokens come before an end; the first is none of
        `banned_first_ids`, and with `begins_word` none of the `inner_ids`; `bias` is that of the
        completion. Tokens that the row shares with its text before are not read again. The first
        prompt of a row is copied from a row that began with the same one.
        """
        assert prompt, "a prompt of no tokens"
        kept = min(shared_prefix(self.texts[row], prompt), self.cache.lengths[row], len(prompt) - 1)
        self.cache.truncate(row, kept)
        if kept < len(self._first_prompts[row]):
            self._first_prompts[row] = []
        new = list(prompt[kept:-1])
        self.reserve(len(prompt))
        if not kept:
            prompts = enumerate(self._first_prompts)
            twin = next((other for other, first in prompts if new and first == new), None)
            self._first_prompts[row] = new
            if twin is not None:
                self.cache.copy_prefix(twin, row, len(new))
                new = []
        for start in range(0, len(new), _PREFILL_TOKENS):
            chunk = new[start : start + _PREFILL_TOKENS]
            tokens = torch.tensor(chunk, device=self.device)
            self.model(tokens, self.cache.prefill(row, len(chunk)))
        self.texts[row] = list(prompt)
        self.generators[row].manual_seed(seed)
        self.min_length[row] = len(prompt) + min_length
        self._banned_next[row] = banned_first_ids
        self._biases[row] = bias
        self._begins_word[row] = begins_word
        self.seen[row] = prompt[0]
        self.seen[row, : len(prompt)] = torch.tensor(self.texts[row], device=self.device)

    def reserve(self, tokens: int) -> None:
        """Make room for texts of `tokens` tokens."""
        self.cache.reserve(cache_capacity(tokens))
        missing = self.cache.capacity - self.seen.shape[1]
        if missing > 0:
            self.seen = torch.cat((self.seen, self.seen[:, :1].expand(-1, missing)), dim=1)

    def decode(self, rows: Sequence[int]) -> list[list[int]]:
        """Append the next token to the text of each of `rows`; return the new tokens of each."""
        self.reserve(1 + max(len(self.texts[row]) for row in rows))
        tokens = torch.tensor([self.texts[row][-1] for row in rows], device=self.device)
        hidden = self.model(tokens, self.cache.decode(rows))
        logits = self.model.logits(hidden, self.tied)
        check_finite(bool(finite_rows(hidden, logits).all()))
        drawn = self._draw(rows, logits)
        for row, token in zip(rows, drawn, strict=True):
            self.seen[row, len(self.texts[row])] = token
            self.append(row, [token])
        return [[token] for token in drawn]

    def append(self, row: int, tokens: Sequence[int]) -> None:
        """Append drawn tokens to the text of a row."""
        self.texts[row] += tokens
        bias = self._biases[row]
        if bias is not None:
            for token in tokens:
                bias.append(token)

    def has_bias(self, rows: Sequence[int]) -> bool:
        """Return whether the next token of one of `rows` depends on its bias."""
        return any(self._biases[row] is not None for row in rows)

    def bias(self, rows: Sequence[int]) -> torch.Tensor | None:
        """Return the bias of the next token (`B, V`, fp32, CPU), None if it is 0."""
        size = self.model.config.vocab_size
        terms = [one.terms(size) if (one := self._biases[row]) else None for row in rows]
        if all(one is None for one in terms):
            return None
        return torch.stack([torch.zeros(size) if one is None else one for one in terms])

    def pop_banned_ids(self, rows: Sequence[int]) -> torch.Tensor | None:
        """Return the mask of ids banned for the next token (`B, V`, bool, CPU), None if empty.

        A ban holds for one token: the batch forgets the bans that it returns.
        """
        if not any(self._banned_next[row] or self._begins_word[row] for row in rows):
            return None
        mask = torch.zeros(len(rows), self.model.config.vocab_size, dtype=torch.bool)
        for place, row in enumerate(rows):
            if self._begins_word[row]:
                mask[place] = self._inner_ids
            mask[place, list(self._banned_next[row])] = True
            self._banned_next[row], self._begins_word[row] = (), False
        return mask

    def _draw(self, rows: Sequence[int], logits: torch.Tensor) -> list[int]:
        early = [len(self.texts[row]) < self.min_length[row] for row in rows]
        longest = max(len(self.texts[row]) for row in rows)
        chosen = candidates(
            logits,
            self.options,
            seen=self.seen[list(rows), :longest],
            ends=self.ends,
            too_early=torch.tensor(early) if any(early) else None,
            banned_ids=self.pop_banned_ids(rows),
            bias=self.bias(rows),
        )
        uniform = uniform_numbers([self.generators[row] for row in rows])
        ids: list[int] = draw(chosen, uniform).tolist()
        return ids


def finite_rows(hidden: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Return for each row (`B`, bool) whether hidden states and logits are finite.

    The logits are what a token is drawn from; an int8 head could hide a NaN of the hidden states.
    The result stays on the device, so that the host need not wait for it.
    """
    # A sum with a NaN or an infinity is not finite; it takes a tenth of the time of `isfinite`.
    sums = hidden.sum(-1, dtype=torch.float32) + logits.sum(-1, dtype=torch.float32)
    return sums.isfinite()


def check_finite(is_finite: bool) -> None:
    """Raise RuntimeError unless a model's output is finite."""
    if not is_finite:
        raise RuntimeError(
            "the model's output is NaN or infinite: its weights are damaged or too large for this "
            "precision; choose precision fp32, or copy the model again"
        )


def shared_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """Return the number of ids that both texts begin with."""
    pairs = zip(first, second, strict=False)
    return next(
        (n for n, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second))
    )


def cache_capacity(tokens: int) -> int:
    """Return the capacity, in tokens, of a cache with room for `tokens`."""
    return -(-tokens // _CACHE_GROWTH) * _CACHE_GROWTH
