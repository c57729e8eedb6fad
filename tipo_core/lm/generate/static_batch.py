"""A batch on an accelerator: every tensor of a step keeps its address.

The host synchronises every `STEPS` steps; in between the device feeds each drawn token to the next
step. A step depends on nothing but its tensors, so that CUDA can capture it as a graph and replay
it without Python and without a launch for each kernel; on other devices it runs eagerly.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional

from ..model.kv_cache import KVCache
from .batch import DecodeBatch, check_finite, finite_rows
from .token_sampling import candidates, draw

# Steps between two synchronisations with the host. A text that ends in between wastes the rest.
STEPS = 8
_log = logging.getLogger("tipo-suite")


def can_capture(device: torch.device, weights_move: bool) -> bool:
    """Return whether a step on `device` may be captured as a CUDA graph.

    A graph holds the addresses of the weights: the host must not move them between two steps.
    """
    return device.type == "cuda" and not weights_move


class StaticBatch(DecodeBatch):
    """A batch of fixed width in which every row takes each step.

    Matrices are always multiplied with `width` vectors, because the number of vectors decides the
    order in which a product is summed: so a text does not depend on the number of rows.

    `weights_move` says that the host may move the weights between two steps: see `can_capture`.
    """

    width = 32
    _step: _StaticStep | None = None

    def __init__(self, *args: Any, weights_move: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.weights_move = weights_move
        # Attention reads the whole cache under a mask, and 0 * NaN is NaN.
        self.cache.is_zero_filled = True

    def decode(self, rows: Sequence[int]) -> list[list[int]]:
        """Append `STEPS` tokens to the text of each of `rows`; return the new tokens of each.

        A bias is computed on the host after each token: then it is one token.
        """
        # The last new token is not in the cache yet: the next call feeds it.
        longest = max(len(text) for text in self.texts)
        self.reserve(longest + STEPS)
        if self._step is None or self._step.capacity != self.cache.capacity:
            self._step = _StaticStep(self)
        steps = 1 if self.has_bias(rows) else STEPS
        drawn = self._step.run(rows, steps)
        for row, tokens in zip(rows, drawn, strict=True):
            self.append(row, tokens)
            self.cache.extend(row, steps)
        return drawn


class _StaticStep:
    """One step of a batch at one capacity of its cache, and the attention context of that step."""

    def __init__(self, owner: StaticBatch) -> None:
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
        # Inputs, which the host writes before the steps.
        self._tokens = zeros(count)
        self._places = zeros(count)
        self._min_length = zeros(count)
        self._is_active = torch.zeros(count, dtype=torch.bool, device=device)
        self._uniform = torch.zeros(count, STEPS, dtype=torch.float64, device=device)
        words = owner.model.config.vocab_size
        self._banned_ids = torch.zeros(count, words, dtype=torch.bool, device=device)
        self._bias = torch.zeros(count, words, device=device)
        self._number = zeros(1)
        # Outputs, which the host reads after the steps.
        self._drawn = zeros(count, STEPS)
        self._are_finite = torch.ones((), dtype=torch.bool, device=device)
        self._play: Callable[[], None] | None = None

    def run(self, rows: Sequence[int], steps: int) -> list[list[int]]:
        """Run `steps` steps, at most `STEPS`; return the tokens drawn for each of `rows`."""
        owner = self._owner
        device = owner.device
        uniform = torch.zeros(self._count, STEPS, dtype=torch.float64)
        for row in rows:
            generator = owner.generators[row]
            uniform[row, :steps] = torch.rand(steps, generator=generator, dtype=torch.float64)
        self._uniform.copy_(uniform)
        self._is_active.zero_()
        self._is_active[list(rows)] = True
        # An idle row writes past the end of its text, where nothing reads.
        last = [text[-1] if text else 0 for text in owner.texts]
        self._tokens.copy_(torch.tensor(last, device=device))
        self._places.copy_(torch.tensor(owner.cache.lengths, device=device))
        self._min_length.copy_(torch.tensor(owner.min_length, device=device))
        banned = owner.pop_banned_ids(rows)
        if banned is not None:
            self._banned_ids[list(rows)] = banned.to(device)
        bias = owner.bias(rows)
        if bias is not None:
            self._bias[list(rows)] = bias.to(device)
        self._number.zero_()
        self._are_finite.fill_(True)
        kept = owner.seen.clone() if len(rows) < self._count else None
        if self._play is None:
            self._play = self._capture()
        for _ in range(steps):
            self._play()
        drawn: list[list[int]] = self._drawn[list(rows), :steps].tolist()
        check_finite(bool(self._are_finite))
        if kept is not None:
            idle = [row for row in range(self._count) if row not in rows]
            owner.seen[idle] = kept[idle]
        return drawn

    def _capture(self) -> Callable[[], None]:
        """Return a function that runs one step: the replay of a CUDA graph where possible."""
        if not can_capture(self._owner.device, self._owner.weights_move):
            return self._run_step
        # Fetched before the capture: memory allocated during it belongs to the graph.
        _ = self._owner.tied
        state = (
            self._tokens,
            self._places,
            self._number,
            self._drawn,
            self._banned_ids,
            self._bias,
            self._owner.seen,
        )
        before = [one.clone() for one in state]
        try:
            # The first run chooses and loads kernels; it must not use the capturing stream.
            stream = torch.cuda.Stream(self._owner.device)
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                self._run_step()
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._run_step()
            play: Callable[[], None] = graph.replay
        except RuntimeError as error:  # streamed weights, an operator that synchronises
            _log.debug("no CUDA graph of a step: %s", error)
            play = self._run_step
        for one, value in zip(state, before, strict=True):
            one.copy_(value)
        return play

    def _run_step(self) -> None:
        owner, model = self._owner, self._owner.model
        cos, sin = self._cache.rotary_tables
        self.cos_sin = self._padded(cos[self._places]), self._padded(sin[self._places])
        self._mask = (self._positions <= self._places[:, None])[:, None, None]
        hidden = model(self._padded(self._tokens), self)
        logits = model.logits(hidden, owner.tied)[: self._count]
        # An idle row may have read nothing, so that its output does not count.
        finite = finite_rows(hidden[: self._count], logits)
        self._are_finite.logical_and_((finite | ~self._is_active).all())
        early = self._places + 1 < self._min_length
        chosen = candidates(
            logits,
            owner.options,
            seen=owner.seen,
            ends=owner.ends,
            too_early=early,
            banned_ids=self._banned_ids,
            bias=self._bias,
        )
        self._banned_ids.zero_()
        self._bias.zero_()
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
        """Attend from each row's token to the tokens of its row and to itself."""
        all_keys, all_values = self._cache.layers[layer]
        all_keys[self._rows, :, self._places] = keys[: self._count].to(all_keys.dtype)
        all_values[self._rows, :, self._places] = values[: self._count].to(all_keys.dtype)
        grouped = queries[: self._count].to(all_keys.dtype).unflatten(1, (keys.shape[1], -1))
        mixed = functional.scaled_dot_product_attention(
            grouped, all_keys, all_values, attn_mask=self._mask
        )
        return self._padded(mixed.flatten(1, 2).to(queries.dtype))

    def _padded(self, rows: torch.Tensor) -> torch.Tensor:
        """Return `rows` padded with zeros to the width of the batch."""
        if not self._padding:
            return rows
        return torch.cat((rows, rows.new_zeros(self._padding, *rows.shape[1:])))
