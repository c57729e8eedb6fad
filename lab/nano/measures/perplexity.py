"""How well a model foretells text, in a measure that does not depend on its tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from tipo_core.lm.model.llama import Llama
from tipo_core.lm.tokenizers.text_tokenizer import TextTokenizer

_AT_ONCE = 16


@dataclass(frozen=True)
class Surprise:
    """Nats that a model needs for texts, and how long they are."""

    nats: float
    characters: int
    words: int

    @property
    def per_character(self) -> float:
        """Perplexity a character: exp of the nats for each."""
        return math.exp(self.nats / self.characters)

    @property
    def per_word(self) -> float:
        """Perplexity a word (split at blanks)."""
        return math.exp(self.nats / self.words)


def surprise(model: Llama, tokenizer: TextTokenizer, texts: Sequence[tuple[str, str]]) -> Surprise:
    """Return the surprise at the second part of each pair, which the first one comes before.

    Pairs are encoded as one text; a token that reaches over the border counts to the second part.
    The end of a text is not counted. Raises ValueError where there is no text to measure.
    """
    characters = sum(len(text) for _, text in texts)
    if not characters:
        raise ValueError("there is no text to measure the perplexity of: ask for some")
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
    # What pads a row stands behind it, where no token sees it.
    tokens = torch.tensor([ids + [ids[0]] * (width - len(ids)) for ids, _ in rows])
    targets = torch.full_like(tokens, -100)
    for row, (ids, border) in enumerate(rows):
        targets[row, border - 1 : len(ids) - 1] = torch.tensor(ids[border:])
    logits = model.sequence_logits(tokens).float().flatten(0, 1)
    return float(functional.cross_entropy(logits, targets.flatten(), reduction="sum"))
