from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipo_core.pictures.text.prompt_chunks import split_at_break


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a BREAK b", ["a", "b"]),
        ("BREAK a BREAK\nBREAK b BREAK", ["a", "b"]),
        ("BREAK", [""]),
        ("(a BREAK b:1.2), c", ["(a :1.2)", "( b:1.2), c"]),
        ("(a ((b BREAK c) d:0.5))", ["(a ((b ):0.5))", "((( c) d:0.5))"]),
        ("BREAKFAST, a", ["BREAKFAST, a"]),
    ],
)
def test_break_keeps_the_weights_around_it(text: str, parts: list[str]) -> None:
    assert split_at_break(text) == parts


@settings(max_examples=60, deadline=None)
@given(st.text("ab ,.()[]{}:|\\\n<>_0123456789", max_size=30))
def test_prompt_without_break_is_unchanged(text: str) -> None:
    assert split_at_break(text) == [text]
