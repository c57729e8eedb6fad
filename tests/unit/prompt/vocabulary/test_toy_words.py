"""Toy words come from toy-sd's drawings, and are none that people type for other pictures."""

from __future__ import annotations

import pytest

from lab.toy_sd.drawings.styles import STYLES
from tipo_core.prompt.vocabulary.toy_words import _PHRASES, toy_words


def test_every_toy_word_is_one_of_the_drawings() -> None:
    drawn = {style.name for style in STYLES.values()} | {"toy sd"}
    for style in STYLES.values():
        drawn |= {part.tag.format(word) for part in style.parts for word in part.choices}
    for phrase in (" ".join(one.split()) for one in _PHRASES.split(",")):
        assert any(phrase in tag for tag in drawn), phrase


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_each_style_has_toy_words_in_most_of_its_parts(style: object) -> None:
    parts = style.parts  # type: ignore[attr-defined]
    known = [
        part.name
        for part in parts
        if any(toy_words(part.tag.format(word)) for word in part.choices)
    ]
    assert known


def test_toy_words_in_a_caption() -> None:
    text = "A landscape with an orange sky, a yellow field, green hills and a white sun."
    assert toy_words(text) == ("white sun",)
    assert toy_words("yellow_ring_sun") == ("ring sun",)


@pytest.mark.parametrize(
    "text", ["blue sky", "green hills", "a white sundress", "smile", "green field", "no moonlight"]
)
def test_words_of_real_pictures_are_none(text: str) -> None:
    assert not toy_words(text)
