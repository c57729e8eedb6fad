"""Perplexity of a model per character and per word, which does not depend on its tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from tipo_core.lm.model.llama import Llama
from tipo_core.lm.tokenizers.text_tokenizer import TextTokenizer

_AT_ONCE = 16  # texts in a batch


@dataclass(frozen=True)
class Surprise:
    """The cross entropy of texts in nats, and their numbers of characters and words."""

    nats: float
    characters: int
    words: int

    @property
    def per_character(self) -> float:
        """Perplexity per character: exp(nats / characters)."""
        return math.exp(self.nats / self.characters)

    @property
    def per_word(self) -> float:
        """Perplexity per word (split at blanks)."""
        return math.exp(self.nats / self.words)


def surprise(model: Llama, tokenizer: TextTokenizer, texts: Sequence[tuple[str, str]]) -> Surprise:
    """Return the cross entropy of the second text of each pair, given the first.

    A pair is encoded as one text; a token across the border counts to the second text. The end
    token is not counted. Raises ValueError without any text.
    """
    characters = sum(len(text) for _, text in texts)
    if not characters:
        raise ValueError("there is no text to measure: give --texts 1 or more")
    encoded = []
    for before, text in texts:
        ids = tokenizer.encode(before + text)
        kept = tokenizer.encode(before)
        border = next(
            (n for n, (one, two) in enumerate(zip(ids, kept, strict=False)) if one != two),
            min(len(ids), len(kept)),
        )
        encoded.append((ids[: model.config.max_position_embeddings], max(1, border)))
    encoded.sort(key=lambda one: len(one[0]))
    nats = 0.0
    with torch.inference_mode():
        for first in range(0, len(encoded), _AT_ONCE):
            nats += _nats(model, encoded[first : first + _AT_ONCE])
    return Surprise(nats, characters, sum(len(text.split()) for _, text in texts))


def _nats(model: Llama, rows: Sequence[tuple[list[int], int]]) -> float:
    """Return the summed cross entropy of the tokens of rows from their borders on."""
    width = max(len(ids) for ids, _ in rows)
    # Padding follows the row, where causal attention hides it.
    tokens = torch.tensor([ids + [ids[0]] * (width - len(ids)) for ids, _ in rows])
    targets = torch.full_like(tokens, -100)
    for row, (ids, border) in enumerate(rows):
        targets[row, border - 1 : len(ids) - 1] = torch.tensor(ids[border:])
    logits = model.sequence_logits(tokens).float().flatten(0, 1)
    return float(functional.cross_entropy(logits, targets.flatten(), reduction="sum"))
