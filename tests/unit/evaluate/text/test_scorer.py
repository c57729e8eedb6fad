"""Relevance by a scorer, against a toy scorer whose likelihoods are known in closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tipo_core.evaluate.text.answers import ExpandedText
from tipo_core.evaluate.text.scorer import scored_relevance, token_likelihoods

from .hand_made import answer

COPIED = 3.0  # logit of a token that has occurred; 0 for all others


class CopyingScorer:
    """A language model that expects the tokens that it has read; a token is a word."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self.device = torch.device("cpu")
        self.tokenizer = SimpleNamespace(encode=self._encode)
        self.model = SimpleNamespace(sequence_logits=self._logits)
        self.width = 200

    def _encode(self, text: str) -> list[int]:
        words = text.replace(",", " ").replace(".", " ").replace(":", " ").split()
        return [self.ids.setdefault(word, len(self.ids)) for word in words]

    def _logits(self, tokens: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(*tokens.shape, self.width)
        for row in range(len(tokens)):
            for place in range(tokens.shape[1]):
                logits[row, place, tokens[row, : place + 1]] = COPIED
        return logits


def log_probability(seen: set[str], word: str, width: int) -> float:
    total = len(seen) * math.exp(COPIED) + width - len(seen)
    return (COPIED if word in seen else 0.0) - math.log(total)


def test_only_the_tokens_of_the_addition_count() -> None:
    scorer: Any = CopyingScorer()
    (found,) = token_likelihoods(scorer, ["cat, window."], "window, sofa")
    seen = {"A", "picture", "cat", "window", "In", "the", "same"}
    expected = log_probability(seen, "window", 200) + log_probability(seen, "sofa", 200)
    assert found == pytest.approx(expected / 2)


def requests(added: Sequence[str]) -> list[ExpandedText]:
    texts = ["red", "green", "blue", "black", "white", "pink"]
    return [answer(text, one, kind=text) for text, one in zip(texts, added, strict=True)]


def test_additions_of_the_request_beat_all_shuffled_requests() -> None:
    scorer: Any = CopyingScorer()
    own = requests(["red", "green", "blue", "black", "white", "pink"])
    found = scored_relevance(scorer, own)
    assert found is not None
    assert found.wins.value == 1.0 and found.gain.value == pytest.approx(COPIED, abs=1e-5)
    assert found.gain.count == 6


def test_additions_that_do_not_depend_on_the_request_gain_nothing() -> None:
    scorer: Any = CopyingScorer()
    found = scored_relevance(scorer, requests(["heart"] * 6))
    assert found is not None
    assert found.gain.value == pytest.approx(0.0, abs=1e-5) and found.wins.value == 0.5


def test_requests_of_one_kind_are_not_compared() -> None:
    scorer: Any = CopyingScorer()
    same = [answer("red", "red", kind="x"), answer("blue", "blue", kind="x")]
    assert scored_relevance(scorer, same) is None
    assert scored_relevance(scorer, requests([""] * 6)) is None
