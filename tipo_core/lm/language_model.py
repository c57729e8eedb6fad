"""A model with its tokenizer: text in, text out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import torch

from .generate import generate
from .kv_cache import KVCache
from .llama import Llama
from .sampling import SamplingOptions
from .tokenizer import TextTokenizer


class StopReason(str, Enum):
    """Why a completion ended."""

    END_TOKEN = "end token"
    TARGET = "target reached"
    LIMIT = "token limit"

    def __str__(self) -> str:
        return self.value


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
        ids = self.tokenizer.encode(prompt)
        generator = torch.Generator().manual_seed(seed)
        new: list[int] = []
        text = ""
        reason = StopReason.LIMIT
        with torch.inference_mode():
            for (token,) in generate(
                self.model,
                [ids],
                self.options,
                [generator],
                device=self.device,
                dtype=self.dtype,
                min_new_tokens=min_new_tokens,
            ):
                if on_token is not None:
                    on_token(len(new) + 1)
                if token in self.model.config.eos_token_ids:
                    reason = StopReason.END_TOKEN
                    break
                new.append(token)
                text = self.tokenizer.decode_after(ids, new)
                if enough is not None and enough(text):
                    reason = StopReason.TARGET
                    break
        return Completion(text, reason, len(ids), len(new))
