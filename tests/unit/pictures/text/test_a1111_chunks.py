"""A1111's chunks, compared with a second implementation."""

from __future__ import annotations

import random

import pytest

from tests.unit.pictures.text import a1111_rules
from tipo_core.pictures.text.a1111_chunks import COMMA_BACKTRACK, Run, chunked

COMMA = 0


def numbers(chunks: list[list[tuple[object, float, int]]]) -> list[list[object]]:
    return [[token for token, _, _ in chunk] for chunk in chunks]


def words(count: int, start: int = 1) -> list[int]:
    return list(range(start, start + count))


def divided(*tokens: list[int] | None) -> list[list[object]]:
    return numbers(chunked([t if t is None else Run(t, 1.0) for t in tokens], 75, COMMA))


@pytest.mark.parametrize("after", [1, 5, COMMA_BACKTRACK - 1, COMMA_BACKTRACK, 30])
def test_border_moves_back_to_a_comma_within_20_tokens(after: int) -> None:
    tokens = [*words(74 - after), COMMA, *words(after + 10, 200)]
    border = 75 - after if after < COMMA_BACKTRACK else 75
    assert divided(tokens) == [tokens[:border], tokens[border:]]


def test_comma_that_does_not_fit_begins_the_next_chunk() -> None:
    tokens = [*words(60), COMMA, *words(14, 200), COMMA, *words(5, 300)]
    assert divided(tokens) == [tokens[:75], tokens[75:]]


@pytest.mark.parametrize(
    ("tokens", "sizes"),
    [
        ([[]], [0]),
        ([None], [0]),
        ([words(3), None], [3]),
        ([None, words(3)], [0, 3]),
        ([words(3), None, None, words(2)], [3, 0, 2]),
        ([words(75), None, words(1)], [75, 1]),
    ],
)
def test_break_ends_a_chunk_even_an_empty_one(
    tokens: list[list[int] | None], sizes: list[int]
) -> None:
    assert [len(chunk) for chunk in divided(*tokens)] == sizes


def test_random_prompts_have_equal_chunks() -> None:
    source = random.Random(2)
    for _ in range(2_000):
        texts = []
        for _ in range(source.randint(0, 6)):
            size = source.choice([0, 1, 3, 10, 20, 54, 55, 56, 74, 75, 76, 160])
            tokens = source.choices([COMMA, *words(source.choice([3, 30, 300]))], k=size)
            texts.append((" ".join(map(str, tokens)), source.choice([1.0, 1.1, 0.7])))
            if source.random() < 0.2:
                texts.append(("BREAK", -1.0))
        of_texts = [(text, [int(t) for t in text.split()]) for text, _ in texts if text != "BREAK"]
        expected = a1111_rules.chunks(texts, dict(of_texts).__getitem__, COMMA)
        runs = [
            None if weight == -1 else Run([int(t) for t in text.split()], weight)
            for text, weight in texts
        ]
        found = chunked(runs, 75, COMMA)
        assert [[(t, w) for t, w, _ in chunk] for chunk in found] == expected


def test_embedding_stays_whole_and_moves_with_the_text_after_a_comma() -> None:
    vectors = [f"v{i}" for i in range(6)]
    whole = chunked([Run(words(72), 1.0), Run(vectors, 1.2, True), Run([99], 1.0)], 75, COMMA)
    assert numbers(whole) == [words(72), [*vectors, 99]]
    text = [*words(64), COMMA, 65]
    moved = chunked([Run(text, 1.0), Run(vectors, 1.2, True), Run(words(4, 99), 1.0)], 75, COMMA)
    assert numbers(moved) == [text[:65], [65, *vectors, *words(4, 99)]]
    assert [word for _, _, word in moved[1]] == [1] + [2] * 6 + [3] * 4
    assert [weight for _, weight, _ in moved[1]] == [1.0] + [1.2] * 6 + [1.0] * 4


def test_embedding_longer_than_a_chunk_is_split() -> None:
    vectors = [f"v{i}" for i in range(80)]
    found = chunked([Run([1], 1.0), Run(vectors, 1.0, True), Run([2], 1.0)], 75, COMMA)
    assert numbers(found) == [[1], vectors[:75], [*vectors[75:], 2]]
