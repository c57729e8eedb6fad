"""Sentence ends, and stops that do not end a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipo_core.prompt import count_sentences, split_sentences

PIECES = ("e.g. ", "Dr. ", "...", "a", "B", ". ", "! ", "\n", "1.5 m", '"', "\u3002")


@pytest.mark.parametrize(
    "sentences",
    [
        ["She is 1.5 m tall. ", "He is not."],  # the reference cuts at every period
        ["Dr. Smith waves. ", "Mrs. Jones reads."],
        ["Fruit, e.g. apples, lies there. ", "It is ripe, i.e. red."],
        ["She waits... and waits. ", "He comes."],
        ["She waits... ", "He comes."],
        ["She waits\u2026 and sleeps. ", "Then she wakes."],
        ['"Hello!" she said. ', '"Go away." ', "He left."],
        ["J. R. R. Tolkien writes. ", "He smokes."],
        ["A photo by J. Smith of Plan B. ", "She likes it."],
        ["\u5979\u5728\u8bfb\u4e66\u3002", "\u4ed6\u7b11\u4e86\uff01", "\u771f\u7684\uff1f"],
        ["It costs $3.50 at site.com today. ", "She pays."],
        ["She left at 5 p.m. in a hurry. ", "The U.S. Army base sleeps."],
        ["He has cats, dogs, etc. ", "The house is full."],
        ["No. 5 is alive. ", "He said no. ", "She left."],
        ["What?! ", "Yes."],
        ["a girl. ", "she smiles. ", "the end"],
        ["A title\n\n", "A paragraph.\n\n", "Another."],
        ["It is 3 cm. ", "The rest is 1 m."],
        ["(A cat sits.) ", "A dog runs."],
        ["A Note: this stays whole. ", "Warning: so does this."],
    ],
)
def test_split(sentences: list[str]) -> None:
    text = "".join(sentences)
    assert split_sentences(text) == tuple(sentences)
    assert count_sentences(text) == len(sentences)


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("   ", 0), ("...", 0), ("A cat", 1), ("A cat.", 1), ("A cat. ", 1), ("A. ...", 1)],
)
def test_count(text: str, count: int) -> None:
    assert count_sentences(text) == count


def test_no_empty_sentences() -> None:
    assert split_sentences("") == ()
    assert split_sentences(" . A cat. . . ") == (" . A cat. . . ",)


@settings(max_examples=300, deadline=None)
@given(st.text("aA.!? \n\"')\u3002\u2026") | st.lists(st.sampled_from(PIECES)).map("".join))
def test_nothing_is_lost(text: str) -> None:
    sentences = split_sentences(text)
    assert "".join(sentences) == text
    assert all(sentences)
    if len(sentences) > 1:
        assert all(any(c.isalnum() for c in sentence) for sentence in sentences)
    assert count_sentences(text + ".") <= max(1, count_sentences(text + "x"))
