"""A model with its tokenizer: text in, text out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import torch

from ...listening import listening
from ...memory import Rescue, with_second_try
from ..kernels.fp16_linear import has_fp16_kernel
from ..model.kv_cache import KVCache
from ..model.llama import Llama
from ..tokenizers.text_tokenizer import TextTokenizer
from .batch import DecodeBatch, cache_capacity
from .completion import (
    Cancelled,
    Completion,
    CompletionRequest,
    Generation,
    Result,
    StopReason,
    one_completion,
)
from .sampling_options import SamplingOptions
from .static_batch import STEPS, StaticBatch
from .tag_trie import TagTrie, TokenBias

# Rows of a batch on a CPU whose kernels compute each row alone.
_CPU_BATCH_SIZE = 16


class LlamaLanguageModel:
    """Completes texts with a `Llama` that computes on `device` in `dtype`.

    With a `rescue` a run that is out of memory is tried a second time, after the host freed
    memory. `weights_move` says that the host may move the weights between two steps.
    `uses_pair_prior` is for a small model, which knows too little of what goes together.
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
        uses_pair_prior: bool = False,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.options = options
        self.device = device
        self.dtype = dtype
        self.rescue = rescue
        self.weights_move = weights_move
        self.uses_pair_prior = uses_pair_prior

    @property
    def max_batch_size(self) -> int:
        """The number of completions that run side by side.

        More than one only where a text does not depend on the size of its batch: on a CPU with
        int8 or fp16 matrices, whose kernels compute each row alone, and on an accelerator (see
        `StaticBatch`). A mixture of experts runs alone, since each row reads experts of its own.
        """
        if self.model.config.moe is not None:
            return 1
        if self.device.type != "cpu":
            return StaticBatch.width
        return _CPU_BATCH_SIZE if self._is_row_by_row else 1

    def new_batch(self, count: int) -> DecodeBatch:
        """Return a batch of `count` empty rows."""
        shared: dict[str, Any] = {
            "device": self.device,
            "dtype": self.dtype,
            "has_small_cache": self._has_small_cache,
            "newline_ids": self.tokenizer.newline_ids,
            "inner_ids": self._inner_ids,
        }
        if self.device.type == "cpu":
            return DecodeBatch(self.model, count, self.options, **shared)
        return StaticBatch(
            self.model, count, self.options, weights_move=self.weights_move, **shared
        )

    @property
    def _inner_ids(self) -> list[int]:
        """The tokens that continue a word, of those that the model has."""
        size = self.model.config.vocab_size
        return [token for token in self.tokenizer.inner_ids if token < size]

    @property
    def _has_small_cache(self) -> bool:
        return self.device.type == "cpu" and self._is_row_by_row and has_fp16_kernel()

    @property
    def _is_row_by_row(self) -> bool:
        return not any(isinstance(layer, torch.nn.Linear) for layer in self.model.modules())

    def memory_required(self, completions: int = 1) -> int:
        """Return an upper bound of the bytes that `completions` side by side need.

        The weights are not part of the bound.
        """
        config = self.model.config
        rows = min(completions, self.max_batch_size)
        capacity = cache_capacity(config.max_position_embeddings + STEPS)
        dtype = torch.float16 if self._has_small_cache else self.dtype
        cache = KVCache.size_in_bytes(config, rows, capacity, dtype)
        # The widest activations: the logits in fp32 and their sorted copy, one layer's prefill.
        logits = 4 * 8 * config.vocab_size * rows
        layer = (
            self.dtype.itemsize * capacity * (4 * config.hidden_size + config.feed_forward_width)
        )
        tied = 0
        if config.tie_word_embeddings and self.device.type != "cpu":
            tied = self.dtype.itemsize * config.vocab_size * config.hidden_size
        return cache + logits + 2 * layer + tied

    def token_bias(self, request: CompletionRequest) -> TokenBias | None:
        """Return the bias of a completion that begins; None without one."""
        wanted = request.tag_bias
        if wanted is None:
            return None
        trie = self.tokenizer.derived(wanted.vocabulary, TagTrie)
        ends = (*self.model.config.eos_token_ids, *self.tokenizer.newline_ids)
        return TokenBias(trie, wanted.nats, ends)

    def complete(
        self,
        prompt: str,
        *,
        seed: int,
        on_token: Callable[[int], None] | None = None,
        should_stop: Callable[[str], bool] | None = None,
        min_new_tokens: int = 0,
    ) -> Completion:
        """Return the completion of `prompt`: see `CompletionRequest`."""
        request = CompletionRequest(prompt, seed, should_stop, min_new_tokens, on_token)
        return self.run([one_completion(request)])[0]

    def complete_many(self, requests: Sequence[CompletionRequest]) -> list[Completion]:
        """Return the completion of each request; they run side by side."""
        return self.run([one_completion(request) for request in requests])

    def run(self, generations: Sequence[Generation[Result]]) -> list[Result]:
        """Return the result of each generation; they run side by side.

        A row of the batch keeps the tokens that it has read from one request of a generation to
        the next. A completion does not depend on the other generations. After a callback has
        raised `Cancelled`, every running or later request is completed with its text so far, which
        may be empty.
        """
        with torch.inference_mode():
            scheduler = BatchScheduler(self, generations)
            if self.rescue is None:
                scheduler.run()
            else:
                with_second_try(scheduler.run, scheduler.free_memory, self.rescue.advice)
        return scheduler.results


class BatchScheduler:
    """Runs many generations in the rows of one batch."""

    def __init__(self, model: LlamaLanguageModel, generations: Sequence[Generation[Any]]) -> None:
        self._model = model
        self._generations = generations
        self._results: dict[int, Any] = {}
        self._was_cancelled = False
        count = min(len(generations), model.max_batch_size)
        self._waiting = deque(range(len(generations)))
        self._free_rows = deque(range(count))
        # The number of the generation in each occupied row, and its completion so far.
        self._placed: dict[int, int] = {}
        self._sequences: dict[int, SequenceState] = {}
        # Rows that still hold the text of an earlier generation.
        self._reused_rows: set[int] = set()
        self._batch = model.new_batch(count)

    @property
    def results(self) -> list[Any]:
        """The results, in the order of the generations."""
        return [self._results[number] for number in range(len(self._generations))]

    def run(self) -> None:
        """Run all generations to their results."""
        while True:
            # 1) generations with a finished completion send their next request
            for row, sequence in list(self._sequences.items()):
                if sequence.reason is not None:
                    self._advance(row, sequence.completion())
            # 2) waiting generations take the free rows
            while self._waiting and self._free_rows:
                row = self._free_rows.popleft()
                self._placed[row] = self._waiting.popleft()
                self._reused_rows.add(row)
                self._advance(row, None)
            if not self._sequences:
                return
            # 3) new sequences read their prompts; only those of one generation share a row's cache
            for row, sequence in self._sequences.items():
                if not sequence.is_prefilled:
                    if row in self._reused_rows:
                        self._batch.clear(row)
                        self._reused_rows.discard(row)
                    request = sequence.request
                    self._batch.prefill(
                        row,
                        sequence.prompt,
                        request.seed,
                        request.min_new_tokens,
                        request.banned_first_ids,
                        self._model.token_bias(request),
                        begins_word=request.begins_word,
                    )
                    sequence.is_prefilled = True
            # 4) one step; sorted, because adjacent rows of one length are computed together
            rows = sorted(self._sequences)
            for row, tokens in zip(rows, self._batch.decode(rows), strict=True):
                if any(self._sequences[row].append(token) for token in tokens):
                    self._was_cancelled = True
            if self._was_cancelled:
                for sequence in self._sequences.values():
                    sequence.reason = sequence.reason or StopReason.CANCELLED

    def _advance(self, row: int, completion: Completion | None) -> None:
        """Send a generation its completion and begin its next request, or keep its result."""
        generation = self._generations[self._placed[row]]
        self._sequences.pop(row, None)
        try:
            while True:
                request = next(generation) if completion is None else generation.send(completion)
                sequence = SequenceState(self._model, request)
                if self._was_cancelled:
                    sequence.reason = StopReason.CANCELLED
                if sequence.reason is None:
                    self._sequences[row] = sequence
                    return
                completion = sequence.completion()
        except StopIteration as done:
            self._results[self._placed.pop(row)] = done.value
            self._free_rows.append(row)

    def free_memory(self) -> None:
        """Drop the batch, free memory, and begin the unfinished requests anew."""
        assert self._model.rescue is not None
        del self._batch
        self._model.rescue.make_room()
        self._batch = self._model.new_batch(len(self._free_rows) + len(self._placed))
        for row, sequence in self._sequences.items():
            if sequence.reason is None:
                self._sequences[row] = SequenceState(self._model, sequence.request)


class SequenceState:
    """The completion of one request so far; `reason` is None until it ends.

    `is_prefilled` says that the batch has read the prompt.
    """

    def __init__(self, model: LlamaLanguageModel, request: CompletionRequest) -> None:
        self.reason: StopReason | None = None
        self.is_prefilled = False
        self.request = request
        self.prompt = listening(
            lambda: model.tokenizer.encode(request.prompt),
            request.check or (lambda: None),
            len(request.prompt),
        )
        self._ids: list[int] = []
        self._text = ""
        self._tokenizer = model.tokenizer
        self._end_ids = model.model.config.eos_token_ids
        self._context = model.model.config.max_position_embeddings
        self._max_new_tokens = model.options.max_new_tokens
        if len(self.prompt) >= self._context:
            self.reason = StopReason.CONTEXT_LIMIT

    def append(self, token: int) -> bool:
        """Add a token unless the completion has ended; return whether the callback cancelled."""
        if self.reason is not None:
            return False
        if token in self._end_ids:
            self.reason = StopReason.END_TOKEN
            return False
        self._ids.append(token)
        self._text = self._tokenizer.decode_after(self.prompt, self._ids)
        if self.request.should_stop is not None and self.request.should_stop(self._text):
            self.reason = StopReason.TARGET
        elif len(self.prompt) + len(self._ids) >= self._context:
            self.reason = StopReason.CONTEXT_LIMIT
        elif len(self._ids) >= self._max_new_tokens:
            self.reason = StopReason.TOKEN_LIMIT
        if self.request.on_token is not None:
            try:
                self.request.on_token(len(self._ids))
            except Cancelled:
                return True
        return False

    def completion(self) -> Completion:
        """Return the completion, which must have ended."""
        assert self.reason is not None
        first = self._ids[0] if self._ids else None
        return Completion(self._text, self.reason, len(self.prompt), len(self._ids), first)
