"""Forward passes of all kinds, for comparison, and models with their tokenizers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.generate.batch import DecodeBatch
from tipo_core.lm.generate.engine import LlamaLanguageModel
from tipo_core.lm.generate.sampling_options import SamplingOptions
from tipo_core.lm.model.config import LlamaConfig
from tipo_core.lm.model.fp16_kv_cache import Fp16KVCache
from tipo_core.lm.model.kv_cache import AttentionContext, KVCache
from tipo_core.lm.model.llama import Llama
from tipo_core.lm.model.precision import resolve

CPU = torch.device("cpu")


def load(files: ModelFiles, precision: str = "fp32") -> Llama:
    """Return the model of `files` in a precision of the node's menu."""
    return load_llama(files, resolve(precision, CPU, torch.float16))[0]


def language_model(
    files: ModelFiles, precision: str = "fp32", **options: float
) -> LlamaLanguageModel:
    """Return it with its tokenizer; the defaults are temperature 1 and 30 new tokens."""
    model, tokenizer = load_llama(files, resolve(precision, CPU, torch.float16))
    chosen = SamplingOptions(**{"temperature": 1.0, "max_new_tokens": 30, **options})  # type: ignore[arg-type]
    return LlamaLanguageModel(model, tokenizer, chosen, device=CPU, dtype=torch.float32)


def cache_of(
    config: LlamaConfig, rows: int, capacity: int, dtype: torch.dtype = torch.float32
) -> KVCache:
    """Return a cache of the class for `dtype`."""
    if dtype is torch.float16:
        return Fp16KVCache(config, rows, capacity)
    return KVCache(config, rows, capacity, CPU, dtype, torch.float32)


def some_tokens(model: Llama, *shape: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, model.config.vocab_size, shape, generator=generator)


def in_pieces(model: Llama, tokens: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    """Return the logits of one text, `T, V`, prefilled piece by piece."""
    cache = cache_of(model.config, 1, len(tokens))
    with torch.inference_mode():
        parts = [
            model.logits(model(piece, cache.prefill(0, len(piece))))
            for piece in tokens.split(list(sizes))
        ]
    return torch.cat(parts)


def side_by_side(
    model: Llama,
    texts: Sequence[torch.Tensor],
    first: Sequence[int],
    rows: Sequence[int] | None = None,
    cache_dtype: torch.dtype = torch.float32,
) -> list[torch.Tensor]:
    """Return the logits of each text, `T, V`.

    The first `first[n]` tokens of text n are read at once, the others in passes with the texts that
    still have tokens. Text n is in row `rows[n]`; a pass has the rows in the texts' order.
    """
    rows = range(len(texts)) if rows is None else rows
    longest = max(map(len, texts))
    cache = cache_of(model.config, max(rows) + 1, longest, cache_dtype)
    parts: list[list[torch.Tensor]] = []
    with torch.inference_mode():
        for text, count, row in zip(texts, first, rows, strict=True):
            context = cache.prefill(row, count)
            parts.append([model.logits(model(text[:count], context))])
        while going := [n for n, text in enumerate(texts) if cache.lengths[rows[n]] < len(text)]:
            tokens = torch.stack([texts[n][cache.lengths[rows[n]]] for n in going])
            hidden = model(tokens, cache.decode([rows[n] for n in going]))
            for n, one in zip(going, model.logits(hidden), strict=True):
                parts[n].append(one[None])
    return [torch.cat(one) for one in parts]


def greedy(
    model: Llama, prompt: Sequence[int], count: int, repetition_penalty: float = 1.0
) -> list[int]:
    """Return the most likely tokens after `prompt`, without end tokens."""
    options = SamplingOptions(
        temperature=0, repetition_penalty=repetition_penalty, max_new_tokens=count
    )
    rows = DecodeBatch(model, 1, options, device=CPU, dtype=torch.float32)
    with torch.inference_mode():
        rows.prefill(0, prompt, seed=0, min_length=count)
        while len(rows.texts[0]) < len(prompt) + count:
            rows.decode([0])
    return rows.texts[0][len(prompt) :][:count]


def tokens_read(model: Llama, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the number of tokens of every forward pass of `model`."""
    counts: list[int] = []
    forward = model.forward

    def counted(tokens: torch.Tensor, context: AttentionContext) -> torch.Tensor:
        counts.append(len(tokens))
        return forward(tokens, context)

    monkeypatch.setattr(model, "forward", counted)
    return counts
