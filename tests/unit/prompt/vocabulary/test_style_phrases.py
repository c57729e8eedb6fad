"""Words of style and credits are left out of what a prompt shows."""

from __future__ import annotations

import re

import pytest

from tipo_core.prompt.vocabulary.style_phrases import content_words


def content(text: str) -> str:
    words = re.findall(r"[\w'-]+|[,.()]", text.casefold())
    return " ".join(word for word in content_words(words) if word not in ",.()")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a fox by greg rutkowski, oil on canvas, trending on artstation", "a fox"),
        ("a fox in the style of studio ghibli, 8 k, octane render", "a fox"),
        ("film still from the movie night train, a fox", "a fox"),
        ("a fox by the sea", "a fox by the sea"),
        ("a fox by moonlight", "a fox by moonlight"),
        ("a fox by night", "a fox by night"),
        ("a painting of a fox", "of a fox"),
        ("kawaii style fox", "fox"),
        ("a house in victorian style, garden", "a house in garden"),
        ("painting by adnate a fox sitting on a log", "a fox sitting on a log"),
        ("a castle by turner in the mist", "a castle in the mist"),
        ("a cat named apple pie on a sofa", "a cat on a sofa"),
        ("high-key lighting, soft lights, fox", "fox"),
        ("unreal engine, a steam engine", "a steam engine"),
        ("shot on a beach", "a beach"),
        ("a table surrounded by guests", "a table surrounded by guests"),
        ("the means by which a fox hunts", "the means by which a fox hunts"),
        ("", ""),
    ],
)
def test_what_is_shown_remains(text: str, left: str) -> None:
    assert content(text) == left


def test_the_list_keeps_its_length_and_takes_linear_time() -> None:
    for text in ("by", "style", "a b by", "in the style of", "oil painting " * 20_000):
        words = text.split()
        assert len(content_words(words)) == len(words)
