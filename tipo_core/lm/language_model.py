"""A model with its tokenizer: text in, text out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from .generate import generate
from .kv_cache import KVCache
from .llama import Llama
from .sampling import SamplingOptions
from .stop_reason import StopReason
from .tokenizer import TextTokenizer


@dataclass(frozen=True)
class Completion:
    """What a model added to a prompt."""

    text: str
    reason: StopReason
    prompt_tokens: int
    new_tokens: int


class LlamaLanguageModel:
    """Completes texts with a `Llama` that computes on `device` in `dtype`."""

    def __init__(
        self,
        model: Llama,
        tokenizer: TextTokenizer,
        options: SamplingOptions,
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.options = options
        self.device = device
        self.dtype = dtype

    def memory_required(self) -> int:
        """Return an upper bound, in bytes, of what a run needs beside the weights."""
        config = self.model.config
        capacity = config.max_position_embeddings
        cache = KVCache.size_in_bytes(config, 1, capacity, self.dtype)
        # The widest activations: the scores in fp32 and their sorted copy, one layer's prefill.
        scores = 4 * 8 * config.vocab_size
        layer = self.dtype.itemsize * capacity * (4 * config.hidden_size + config.intermediate_size)
        return cache + scores + 2 * layer

    def session(self) -> Session:
        """Return what completes texts that begin alike without reading the beginning again."""
        return Session(self)

    def complete(
        self,
        prompt: str,
        *,
        seed: int,
        on_token: Callable[[int], None] | None = None,
        enough: Callable[[str], bool] | None = None,
        min_new_tokens: int = 0,
    ) -> Completion:
        """Return what the model writes after `prompt`: a session of one completion."""
        return self.session().complete(
            prompt, seed=seed, on_token=on_token, enough=enough, min_new_tokens=min_new_tokens
        )

    def complete_many(
        self,
        prompts: Sequence[str],
        *,
        seeds: Sequence[int],
        enough: Sequence[Callable[[str], bool] | None],
        on_token: Callable[[int], None] | None = None,
        min_new_tokens: int = 0,
    ) -> list[Completion]:
        """Return what the model writes after each prompt; those of equal length run as a batch.

        `on_token` is called with the number of tokens that the running batch has reached. Beside
        other rows the last bits of a row's logits may differ, so for text that must repeat to the
        letter a prompt runs alone.
        """
        encoded = [self.tokenizer.encode(prompt) for prompt in prompts]
        by_length: dict[int, list[int]] = {}
        for number, ids in enumerate(encoded):
            by_length.setdefault(len(ids), []).append(number)
        done: dict[int, Completion] = {}
        for numbers in by_length.values():
            streams = [_Stream(self, encoded[number], enough[number]) for number in numbers]
            self.run(streams, [seeds[number] for number in numbers], on_token, min_new_tokens)
            done |= {n: stream.completion() for n, stream in zip(numbers, streams, strict=True)}
        return [done[number] for number in range(len(prompts))]

    def run(
        self,
        streams: Sequence[_Stream],
        seeds: Sequence[int],
        on_token: Callable[[int], None] | None,
        min_new_tokens: int,
        cache: KVCache | None = None,
    ) -> None:
        """Let the streams, whose prompts are of equal length, grow side by side to their ends."""
        with torch.inference_mode():
            rows = generate(
                self.model,
                [stream.prompt for stream in streams],
                self.options,
                [torch.Generator().manual_seed(seed) for seed in seeds],
                device=self.device,
                dtype=self.dtype,
                min_new_tokens=min_new_tokens,
                cache=cache,
            )
            for count, row in enumerate(rows, start=1):
                if on_token is not None:
                    on_token(count)
                for stream, token in zip(streams, row, strict=True):
                    stream.take(token)
                if all(stream.reason is not None for stream in streams):
                    break


class Session:
    """Completions that share their beginning, such as an answer that is taken up again.

    The keys and values of what was read last stay, and only what is new behind the common
    beginning is read. What comes out depends on the completions of this session and on nothing
    before it.
    """

    def __init__(self, model: LlamaLanguageModel) -> None:
        self._model = model
        self._cache: KVCache | None = None
        self._read: list[int] = []

    def complete(
        self,
        prompt: str,
        *,
        seed: int,
        on_token: Callable[[int], None] | None = None,
        enough: Callable[[str], bool] | None = None,
        min_new_tokens: int = 0,
    ) -> Completion:
        """Return what the model writes after `prompt`.

        `on_token` is called with the number of tokens so far and may raise to cancel; `enough` is
        called with the text so far and ends the run by returning True. The same seed gives the
        same text; no global generator is touched.
        """
        model = self._model
        ids = model.tokenizer.encode(prompt)
        if self._cache is None:
            self._cache = KVCache(model.model.config, 1, 0, model.device, model.dtype)
        # The last token of the prompt is read again: its scores are not kept.
        self._cache.cut(min(_common(self._read, ids), max(0, len(ids) - 1)))
        self._read = []
        stream = _Stream(model, ids, enough)
        try:
            model.run([stream], [seed], on_token, min_new_tokens, self._cache)
        finally:
            self._read = [*ids, *stream.ids][: self._cache.length]
        return stream.completion()


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many ids both begin with."""
    pairs = zip(first, second, strict=False)
    return next(
        (n for n, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second))
    )


class _Stream:
    """The answer to one prompt as it grows."""

    def __init__(
        self,
        model: LlamaLanguageModel,
        prompt: Sequence[int],
        enough: Callable[[str], bool] | None,
    ) -> None:
        self.prompt = prompt
        self.reason: StopReason | None = None
        self._tokenizer = model.tokenizer
        self._ends = model.model.config.eos_token_ids
        self._enough = enough
        self.ids: list[int] = []
        self._text = ""
        self._context = model.model.config.max_position_embeddings

    def take(self, token: int) -> None:
        """Add a token; behind an end it is ignored."""
        if self.reason is not None:
            return
        if token in self._ends:
            self.reason = StopReason.END_TOKEN
            return
        self.ids.append(token)
        self._text = self._tokenizer.decode_after(self.prompt, self.ids)
        if self._enough is not None and self._enough(self._text):
            self.reason = StopReason.TARGET

    def completion(self) -> Completion:
        """Return the answer as it is now."""
        is_full = len(self.prompt) + len(self.ids) >= self._context
        limit = StopReason.CONTEXT_LIMIT if is_full else StopReason.TOKEN_LIMIT
        return Completion(self._text, self.reason or limit, len(self.prompt), len(self.ids))
