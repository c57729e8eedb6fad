"""The bias toward whole tags: its terms add up, and the texts follow it."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.generate.completion import CompletionRequest, TagBias
from tipo_core.lm.generate.engine import LlamaLanguageModel
from tipo_core.lm.generate.tag_trie import TagTrie, TokenBias
from tipo_core.lm.hub.catalog import shipped_model
from tipo_core.lm.tokenizers.text_tokenizer import TextTokenizer

from ..passes import language_model
from .test_static_rows import accelerated

VOCABULARY = {
    "long hair": 0.3,
    "long sleeves": 0.1,
    "long": 0.01,
    "very long hair": 0.05,
    "cat": 0.02,
    "cat ears": 0.06,
    "hat (series)": 0.001,
    "k-on!": 0.002,
    "^_^": 0.004,
}


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return TextTokenizer.read(shipped_model().tokenizer)


def path_of(tokenizer: TextTokenizer, tag: str) -> list[int]:
    """The ids of a tag after a comma, with its own comma."""
    return tokenizer.encode(f"tag: a, {tag},")[len(tokenizer.encode("tag: a,")) :]


def sum_of_terms(bias: TokenBias, path: list[int], size: int) -> float:
    """The sum of the terms of each token of a path."""
    total = 0.0
    for token in path:
        terms = bias.terms(size)
        total += 0.0 if terms is None else float(terms[token])
        bias.append(token)
    return total


def test_the_terms_of_a_tag_add_up_to_its_nats(tokenizer: TextTokenizer) -> None:
    nats = [random.Random(7).uniform(-5, 5) for _ in VOCABULARY]
    trie = TagTrie(tokenizer, VOCABULARY)
    bias = TokenBias(trie, lambda: nats, ())
    for tag, expected in zip(VOCABULARY, nats, strict=True):
        path = path_of(tokenizer, tag)
        assert sum_of_terms(bias, path, tokenizer.vocab_size) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("tag", ["long boots", "zebra", "cat ear", "very long", "1.5, 2", ""])
def test_a_tag_outside_the_vocabulary_gets_nothing(tokenizer: TextTokenizer, tag: str) -> None:
    trie = TagTrie(tokenizer, VOCABULARY)
    bias = TokenBias(trie, lambda: [3.0] * len(VOCABULARY), ())
    total = sum_of_terms(bias, path_of(tokenizer, tag), tokenizer.vocab_size)
    assert total == pytest.approx(0.0, abs=1e-4)


def test_an_end_of_the_line_ends_a_tag(tokenizer: TextTokenizer) -> None:
    nats = [2.0, *[0.0] * (len(VOCABULARY) - 1)]
    newline = tokenizer.newline_ids[0]
    bias = TokenBias(TagTrie(tokenizer, VOCABULARY), lambda: nats, [newline])
    path = [*path_of(tokenizer, "long hair")[:-1], newline]
    assert sum_of_terms(bias, path, tokenizer.vocab_size) == pytest.approx(2.0, abs=1e-4)


def test_values_are_those_of_an_enumeration(tokenizer: TextTokenizer) -> None:
    """A node's value is the logarithm of the mean factor of the tags that begin with its path."""
    nats = dict(zip(VOCABULARY, np.linspace(-3, 3, len(VOCABULARY)).tolist(), strict=True))
    paths = {tag: path_of(tokenizer, tag) for tag in VOCABULARY}
    trie = TagTrie(tokenizer, VOCABULARY)

    def value(begin: list[int]) -> float:
        below = [tag for tag, path in paths.items() if path[: len(begin)] == begin]
        factor = sum(VOCABULARY[tag] * math.exp(nats[tag]) for tag in below)
        return math.log(factor / sum(VOCABULARY[tag] for tag in below))

    for path in paths.values():
        bias = TokenBias(trie, lambda: list(nats.values()), ())
        before = 0.0
        for place, token in enumerate(path):
            terms = bias.terms(tokenizer.vocab_size)
            assert terms is not None
            here = value(path[: place + 1])
            assert float(terms[token]) == pytest.approx(here - before, abs=1e-4)
            before = here
            bias.append(token)


def requests(nats: Mapping[str, float], count: int = 7) -> list[CompletionRequest]:
    vocabulary = {tag: 0.01 for tag in nats}
    bias = TagBias(vocabulary, lambda: list(nats.values()))
    return [
        # Every second one has no bias, beside those that have.
        CompletionRequest("tag: 1girl,", n, tag_bias=bias if n % 2 else None)
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def nano() -> LlamaLanguageModel:
    return language_model(shipped_model(), max_new_tokens=24)


def test_texts_follow_the_bias(nano: LlamaLanguageModel) -> None:
    liked = nano.complete_many(requests({"zebra": 30.0, "long hair": -math.inf}))
    assert all(one.text.startswith(" zebra,") for one in liked[1::2])
    assert all("zebra" not in one.text for one in liked[::2])


def test_a_tag_of_minus_infinity_is_never_drawn(nano: LlamaLanguageModel) -> None:
    plain = nano.complete_many([replace(one, tag_bias=None) for one in requests({"": 0.0})])
    never = {tag.strip(): -math.inf for one in plain for tag in one.text.split(",")[:-1]}
    for one in nano.complete_many(requests(never))[1::2]:
        assert not never.keys() & {tag.strip() for tag in one.text.split(",")[:-1]}


def test_a_bias_of_zero_changes_nothing(nano: LlamaLanguageModel) -> None:
    plain = [replace(one, tag_bias=None) for one in requests({"": 0.0})]
    zero = requests(dict.fromkeys(VOCABULARY, 0.0))
    assert nano.complete_many(zero) == nano.complete_many(plain)


def test_texts_do_not_depend_on_the_batch(files: ModelFiles) -> None:
    """Alone, side by side, and with the steps of an accelerator."""
    nats = {"cat ears": 3.0, "solo": -math.inf, "book": 2.0, "1girl": 1.0}
    asked = requests(nats)
    model = language_model(files, max_new_tokens=20)
    expected = model.complete_many(asked)
    assert [model.complete_many([one])[0] for one in asked] == expected
    assert accelerated(files, max_new_tokens=20).complete_many(asked) == expected
