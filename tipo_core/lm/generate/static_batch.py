"""Rows on an accelerator: steps whose every tensor stays where it is.

Between two looks of the host there are several steps: what is drawn is fed to the next step on
the device. A step depends on nothing but its tensors, so that CUDA can record it once and play it
back without Python or a launch for each kernel; elsewhere it runs as it is written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional

from ..model.kv_cache import KVCache
from .batch import Rows, check_numbers
from .token_sampling import candidates, draw

# Steps between two looks of the host. A text that ends in between wastes the rest.
STEPS = 8
_log = logging.getLogger("tipo-suite")


class StaticRows(Rows):
    """Rows that all take each step, whether they are asked or not, in a batch of fixed width.

    Matrices are always multiplied with `width` vectors, because how many there are decides in
    what order a product is summed up: so a text does not depend on how many are written.

    A recorded step holds the addresses of the weights. Where a host may move these in between
    (`weights_move`) no step is recorded.
    """

    width = 32
    _stepping: _Stepping | None = None

    def __init__(self, *args: Any, weights_move: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.weights_move = weights_move
        # All of it is read and most is masked; nothing times no number would be no number.
        self.cache.is_zero_filled = True

    def visit(self, rows: Sequence[int]) -> list[list[int]]:
        """Return the next tokens of `rows`, which are part of their texts from then on."""
        # One more than is read: the last token that is drawn is fed by the next visit.
        longest = max(len(text) for text in self.texts)
        self.reserve(longest + STEPS)
        if self._stepping is None or self._stepping.capacity != self.cache.capacity:
            self._stepping = _Stepping(self)
        drawn = self._stepping.run(rows)
        for row, tokens in zip(rows, drawn, strict=True):
            self.texts[row] += tokens
            self.cache.extend(row, STEPS)
        return drawn


class _Stepping:
    """The steps of some rows at one capacity of their cache; a `AttentionContext` of each."""

    def __init__(self, owner: StaticRows) -> None:
        self._owner = owner
        self._cache: KVCache = owner.cache
        self.capacity = owner.cache.capacity
        count, device = len(owner.texts), owner.device
        self._count = count
        self._padding = max(0, owner.width - count)

        def zeros(*size: int) -> torch.Tensor:
            return torch.zeros(*size, dtype=torch.long, device=device)

        self._rows = torch.arange(count, device=device)
        self._positions = torch.arange(self.capacity, device=device)
        # What the host writes before the steps ...
        self._tokens = zeros(count)
        self._places = zeros(count)
        self._least = zeros(count)
        self._asked = torch.zeros(count, dtype=torch.bool, device=device)
        self._uniform = torch.zeros(count, STEPS, dtype=torch.float64, device=device)
        words = owner.model.config.vocab_size
        self._barred = torch.zeros(count, words, dtype=torch.bool, device=device)
        self._number = zeros(1)
        # ... and reads behind them.
        self._drawn = zeros(count, STEPS)
        self._are_finite = torch.ones((), dtype=torch.bool, device=device)
        self._play: Callable[[], None] | None = None

    def run(self, rows: Sequence[int]) -> list[list[int]]:
        """Take `STEPS` steps and return what they drew for `rows`."""
        owner = self._owner
        device = owner.device
        uniform = torch.zeros(self._count, STEPS, dtype=torch.float64)
        for row in rows:
            generator = owner.generators[row]
            uniform[row] = torch.rand(STEPS, generator=generator, dtype=torch.float64)
        self._uniform.copy_(uniform)
        self._asked.zero_()
        self._asked[list(rows)] = True
        # A row that is not asked writes behind its text, where nothing is read.
        last = [text[-1] if text else 0 for text in owner.texts]
        self._tokens.copy_(torch.tensor(last, device=device))
        self._places.copy_(torch.tensor(owner.cache.lengths, device=device))
        self._least.copy_(torch.tensor(owner.least, device=device))
        barred = owner.barred(rows)
        if barred is not None:
            self._barred[list(rows)] = barred.to(device)
        self._number.zero_()
        self._are_finite.fill_(True)
        kept = owner.seen.clone() if len(rows) < self._count else None
        if self._play is None:
            self._play = self._recorded()
        for _ in range(STEPS):
            self._play()
        drawn: list[list[int]] = self._drawn[list(rows)].tolist()
        check_numbers(bool(self._are_finite))
        if kept is not None:
            idle = [row for row in range(self._count) if row not in rows]
            owner.seen[idle] = kept[idle]
        return drawn

    def _recorded(self) -> Callable[[], None]:
        """Return what takes one step: a CUDA graph of it where that can be had."""
        if self._owner.device.type != "cuda" or self._owner.weights_move:
            return self._step
        # Not while a step is recorded: what is allocated then belongs to the graph.
        _ = self._owner.tied
        state = (
            self._tokens,
            self._places,
            self._number,
            self._drawn,
            self._barred,
            self._owner.seen,
        )
        before = [one.clone() for one in state]
        try:
            # Kernels are chosen and loaded by a first run, which must not be on this stream.
            stream = torch.cuda.Stream(self._owner.device)
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                self._step()
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._step()
            play: Callable[[], None] = graph.replay
        except RuntimeError as error:  # weights that are streamed in, an operator that waits
            _log.debug("no CUDA graph of a step: %s", error)
            play = self._step
        for one, value in zip(state, before, strict=True):
            one.copy_(value)
        return play

    def _step(self) -> None:
        owner, model = self._owner, self._owner.model
        cos, sin = self._cache.rotary_tables
        self.cos_sin = self._padded(cos[self._places]), self._padded(sin[self._places])
        self._mask = (self._positions <= self._places[:, None])[:, None, None]
        hidden = model(self._padded(self._tokens), self)
        # Rows that are not asked may have read nothing, so that theirs do not count.
        self._are_finite.logical_and_(
            (hidden.isfinite().all(-1)[: self._count] | ~self._asked).all()
        )
        logits = model.logits(hidden, owner.tied)[: self._count]
        early = self._places + 1 < self._least
        chosen = candidates(
            logits,
            owner.options,
            seen=owner.seen,
            ends=owner.ends,
            too_early=early,
            barred=self._barred,
        )
        self._barred.zero_()
        column = self._number.expand(self._count, 1)
        drawn = draw(chosen, self._uniform.gather(1, column)[:, 0])
        self._drawn.scatter_(1, column, drawn[:, None])
        self._tokens.copy_(drawn)
        self._places.add_(1)
        owner.seen.scatter_(1, self._places[:, None], drawn[:, None])
        self._number.add_(1)

    def attend(
        self, layer: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Each row's token sees all that its row has read, and itself."""
        all_keys, all_values = self._cache.layers[layer]
        all_keys[self._rows, :, self._places] = keys[: self._count].to(all_keys.dtype)
        all_values[self._rows, :, self._places] = values[: self._count].to(all_keys.dtype)
        grouped = queries[: self._count].to(all_keys.dtype).unflatten(1, (keys.shape[1], -1))
        mixed = functional.scaled_dot_product_attention(
            grouped, all_keys, all_values, attn_mask=self._mask
        )
        return self._padded(mixed.flatten(1, 2).to(queries.dtype))

    def _padded(self, rows: torch.Tensor) -> torch.Tensor:
        """Return as many rows as the owner is wide, behind those of `rows` zeros."""
        if not self._padding:
            return rows
        return torch.cat((rows, rows.new_zeros(self._padding, *rows.shape[1:])))
