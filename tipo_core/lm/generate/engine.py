"""A model with its tokenizer: text in, text out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import torch

from ...memory import Rescue, with_second_try
from ..kernels.fp16_linear import has_fp16_kernel
from ..model.kv_cache import KVCache
from ..model.llama import Llama
from ..tokenizers.text_tokenizer import TextTokenizer
from .batch import Rows, rounded_up
from .completion import Ask, Cancelled, Completion, Result, Steps, one_step
from .static_batch import STEPS, StaticRows
from .stop_reason import StopReason
from .token_sampling import SamplingOptions

# So many answers are written side by side where that is cheaper than one after the other.
_SIDE_BY_SIDE = 16


class LlamaLanguageModel:
    """Completes texts with a `Llama` that computes on `device` in `dtype`.

    With a `rescue` a run that is out of memory continues once, after room was made. `weights_move`
    says that a host may put the weights at other addresses between two steps.
    """

    def __init__(
        self,
        model: Llama,
        tokenizer: TextTokenizer,
        options: SamplingOptions,
        *,
        device: torch.device,
        dtype: torch.dtype,
        rescue: Rescue | None = None,
        weights_move: bool = False,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.options = options
        self.device = device
        self.dtype = dtype
        self.rescue = rescue
        self.weights_move = weights_move

    @property
    def side_by_side(self) -> int:
        """How many answers are written at once.

        More than one only where a text comes out the same beside others: on a CPU with matrices of
        integers or fp16, whose kernels compute each row alone, and on an accelerator, see
        `StaticRows`; not with experts, of which each row would read its own.
        """
        if self.model.config.moe is not None:
            return 1
        if self.device.type != "cpu":
            return StaticRows.width
        return _SIDE_BY_SIDE if self._is_row_by_row else 1

    def rows(self, count: int) -> Rows:
        """Return `count` empty rows to write answers in."""
        shared: dict[str, Any] = {
            "device": self.device,
            "dtype": self.dtype,
            "has_small_cache": self._has_small_cache,
            "newline_ids": self.tokenizer.newline_ids,
        }
        if self.device.type == "cpu":
            return Rows(self.model, count, self.options, **shared)
        return StaticRows(self.model, count, self.options, weights_move=self.weights_move, **shared)

    @property
    def _has_small_cache(self) -> bool:
        return self.device.type == "cpu" and self._is_row_by_row and has_fp16_kernel()

    @property
    def _is_row_by_row(self) -> bool:
        return not any(isinstance(layer, torch.nn.Linear) for layer in self.model.modules())

    def memory_required(self, answers: int = 1) -> int:
        """Return an upper bound, in bytes, of what `answers` at once need beside the weights."""
        config = self.model.config
        rows = min(answers, self.side_by_side)
        capacity = rounded_up(config.max_position_embeddings + STEPS)
        dtype = torch.float16 if self._has_small_cache else self.dtype
        cache = KVCache.size_in_bytes(config, rows, capacity, dtype)
        # The widest activations: the scores in fp32 and their sorted copy, one layer's prefill.
        scores = 4 * 8 * config.vocab_size * rows
        layer = (
            self.dtype.itemsize * capacity * (4 * config.hidden_size + config.feed_forward_width)
        )
        tied = 0
        if config.tie_word_embeddings and self.device.type != "cpu":
            tied = self.dtype.itemsize * config.vocab_size * config.hidden_size
        return cache + scores + 2 * layer + tied

    def complete(
        self,
        prompt: str,
        *,
        seed: int,
        on_token: Callable[[int], None] | None = None,
        enough: Callable[[str], bool] | None = None,
        min_new_tokens: int = 0,
    ) -> Completion:
        """Return what the model writes after `prompt`: see `Ask`."""
        ask = Ask(prompt, seed, enough, min_new_tokens, on_token)
        return self.answer([one_step(ask)])[0]

    def complete_many(self, asks: Sequence[Ask]) -> list[Completion]:
        """Return the completion of each ask, written side by side."""
        return self.answer([one_step(ask) for ask in asks])

    def answer(self, steps: Sequence[Steps[Result]]) -> list[Result]:
        """Run `steps` to their results, side by side.

        Each one keeps what the model has read for it from one ask to the next, and what it is
        answered does not depend on the others. After a `Cancelled` of a callback every ask that is
        running or yet to come is answered with what is there, if only an empty text.
        """
        with torch.inference_mode():
            return _Answering(self, steps).run()


class _Answering:
    """Many steps on their way through the rows of a model."""

    def __init__(self, model: LlamaLanguageModel, steps: Sequence[Steps[Any]]) -> None:
        self._model = model
        self._steps = steps
        self._results: dict[int, Any] = {}
        self._was_cancelled = False
        count = min(len(steps), model.side_by_side)
        self._waiting = deque(range(len(steps)))
        self._free = deque(range(count))
        # Which steps are in which row, and how far the answer to their ask is.
        self._placed: dict[int, int] = {}
        self._streams: dict[int, _Stream] = {}
        self._rows = model.rows(count)

    def run(self) -> list[Any]:
        rescue = self._model.rescue
        if rescue is None:
            self._run()
        else:
            with_second_try(self._run, self._make_room, rescue.advice)
        return [self._results[number] for number in range(len(self._steps))]

    def _run(self) -> None:
        while True:
            for row, stream in list(self._streams.items()):
                if stream.reason is not None:
                    self._go_on(row, stream.completion())
            while self._waiting and self._free:
                row = self._free.popleft()
                self._placed[row] = self._waiting.popleft()
                self._rows.clear(row)
                self._go_on(row, None)
            if not self._streams:
                return
            rows = sorted(self._streams)  # neighbours of one length are computed together
            for row, tokens in zip(rows, self._rows.visit(rows), strict=True):
                if any(self._streams[row].take(token) for token in tokens):
                    self._was_cancelled = True
            if self._was_cancelled:
                for stream in self._streams.values():
                    stream.reason = stream.reason or StopReason.CANCELLED

    def _go_on(self, row: int, completion: Completion | None) -> None:
        """Send the steps of a row their completion and begin with what they ask next."""
        steps = self._steps[self._placed[row]]
        self._streams.pop(row, None)
        try:
            while True:
                ask = next(steps) if completion is None else steps.send(completion)
                stream = _Stream(self._model, ask)
                if self._was_cancelled:
                    stream.reason = StopReason.CANCELLED
                if stream.reason is None:
                    self._streams[row] = stream
                    self._begin(row)
                    return
                completion = stream.completion()
        except StopIteration as done:
            self._results[self._placed.pop(row)] = done.value
            self._free.append(row)

    def _begin(self, row: int) -> None:
        stream = self._streams[row]
        ask = stream.ask
        self._rows.begin(row, stream.prompt, ask.seed, ask.min_new_tokens, ask.not_first)

    def _make_room(self) -> None:
        """Forget what was read, make room, and begin anew with what is being asked."""
        assert self._model.rescue is not None
        del self._rows
        self._model.rescue.make_room()
        self._rows = self._model.rows(len(self._free) + len(self._placed))
        for row, stream in self._streams.items():
            if stream.reason is None:
                self._streams[row] = _Stream(self._model, stream.ask)
                self._begin(row)


class _Stream:
    """The answer to one ask as it grows."""

    def __init__(self, model: LlamaLanguageModel, ask: Ask) -> None:
        self.reason: StopReason | None = None
        self.ask = ask
        self.prompt = model.tokenizer.encode(ask.prompt)
        self._ids: list[int] = []
        self._text = ""
        self._tokenizer = model.tokenizer
        self._ends = model.model.config.eos_token_ids
        self._context = model.model.config.max_position_embeddings
        self._most = model.options.max_new_tokens
        if len(self.prompt) >= self._context:
            self.reason = StopReason.CONTEXT_LIMIT

    def take(self, token: int) -> bool:
        """Add a token, unless the answer has ended; return whether the callback cancelled."""
        if self.reason is not None:
            return False
        if token in self._ends:
            self.reason = StopReason.END_TOKEN
            return False
        self._ids.append(token)
        self._text = self._tokenizer.decode_after(self.prompt, self._ids)
        if self.ask.enough is not None and self.ask.enough(self._text):
            self.reason = StopReason.TARGET
        elif len(self.prompt) + len(self._ids) >= self._context:
            self.reason = StopReason.CONTEXT_LIMIT
        elif len(self._ids) >= self._most:
            self.reason = StopReason.TOKEN_LIMIT
        if self.ask.on_token is not None:
            try:
                self.ask.on_token(len(self._ids))
            except Cancelled:
                return True
        return False

    def completion(self) -> Completion:
        """Return the answer, which has ended."""
        assert self.reason is not None
        first = self._ids[0] if self._ids else None
        return Completion(self._text, self.reason, len(self.prompt), len(self._ids), first)
