"""Nothing is lost, whatever is typed, and nothing takes long."""

from __future__ import annotations

import random
import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipo_core.prompt import Prompt, Span, escape_tag, parse, split_prompt, split_sentences

PIECES = (
    *("(", ")", "[", "]", "{", "}", "<", ">", "|", ":", ",", "\n", "\r\n", "\\", "#", "_", "$"),
    *("\\(", "\\)", "((", "))", ":1.2)", ":0.5]", "<lora:a_b:0.8>", "embedding:a_b", " BREAK "),
    *(" AND ", "__c__", "$$", "{a|b}", "[a|b]", "[a:b:0.5]", "(a:1.2)", " (b)", "^_^", ":)", " "),
    *("a", "1girl", "long_hair", "A girl sits.", "\u732b", "\u3002", "\uff0c", "\U0001f600", "\0"),
    *("//", "/*", "*/", "1.2::", "::", " --ar 1:1", " --no ", "@a"),
    *("\u0301", "\u2028", "\t", ". ", "e.g. ", "<|", "|>"),
)


def check(text: str) -> Prompt:
    prompt = parse(text)
    assert str(prompt) == text
    position = 0
    for span in prompt.spans:
        assert span.text and span.start == position
        check_children(span)
        position = span.end
    for segment in prompt.segments():
        assert text[segment.start : segment.end] == segment.text == segment.text.strip()
    return prompt


def check_children(span: Span) -> None:
    if not span.children:
        return
    assert span.text == span.text[0] + "".join(c.text for c in span.children) + span.text[-1]
    for child in span.children:
        check_children(child)


# One example takes Hypothesis as long as parsing 50 short prompts. Each has 40: 20,000 in all.
PROMPTS, PIECES_EACH = 40, 10


@settings(max_examples=20_000 // PROMPTS, deadline=None)
@given(st.binary(min_size=PROMPTS * PIECES_EACH, max_size=PROMPTS * PIECES_EACH))
def test_round_trip_of_20000_prompts(draws: bytes) -> None:
    pieces = [PIECES[draw % len(PIECES)] for draw in draws]
    for start in range(0, len(pieces), PIECES_EACH):
        text = "".join(pieces[start : start + PIECES_EACH])
        prompt = parse(text)
        assert str(prompt) == text
        assert "".join(span.text for span in prompt.spans) == text


def test_every_short_text_of_syntax_characters() -> None:
    for length in range(1, 5):
        for signs in product("()[{<>:#\\ a,_", repeat=length):
            text = "".join(signs)
            assert str(parse(text)) == text


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.sampled_from(("a", "a, b", "(", "]", "\\(", ":)", "miku (cat)", "<x:(>", "{")),
        lambda inner: st.tuples(
            st.sampled_from(("()", "[]", "{}", "(:1.2)", "[:b:0.5]", "[|b]")), inner, inner
        ).map(lambda parts: f"{parts[0][0]}{parts[1]}, {parts[2]}{parts[0][1:]}"),
        max_leaves=24,
    )
)
def test_nested_groups(text: str) -> None:
    escaped = check(text).escaped()
    assert escaped.replace("\\", "") == text.replace("\\", "")
    assert parse(escaped).escaped() == escaped


def test_structure_of_random_prompts() -> None:
    rng = random.Random(1)
    for _ in range(700):
        text = "".join(rng.choices(PIECES, k=rng.randrange(25)))
        escaped = check(text).escaped()
        assert escaped.replace("\\", "") == text.replace("\\", "")
        assert parse(escaped).escaped() == escaped
        assert "".join(part.text for part in split_prompt(text).parts) == text
        assert "".join(split_sentences(text)) == text


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=20).map("".join))
def test_round_trip_of_any_text(text: str) -> None:
    check(text)


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_escaping_is_idempotent(text: str) -> None:
    assert escape_tag(escape_tag(text)) == escape_tag(text)


SIZE = 25_000
LARGE = {
    "open": "(" * SIZE,
    "nest": "(" * (SIZE // 2) + ")" * (SIZE // 2),
    "alternating": "[(" * (SIZE // 2),
    "nested pairs": ("(" * 16 + "a" + ")" * 16) * (SIZE // 33),
    "braces": "{" * SIZE,
    "schedules": "[:" * (SIZE // 3) + ":1" * (SIZE // 6),
    "angles": "<a:" * (SIZE // 3),
    "tags": "long hair, (blue_eyes:1.2), smile, " * (SIZE // 35),
    "deep weight": "(" * 15 + "blue eyes, " * (SIZE // 11) + ":1.2" + ")" * 15,
    "blanks": " " * SIZE,
    "groups": "(a)" * (SIZE // 3),
    "commas": "a," * (SIZE // 2),
    "alternations": "[a|b]" * (SIZE // 5),
    "lines": "a\n" * (SIZE // 2),
    "comments": "a # b\n" * (SIZE // 6),
    "underscores": "_" * SIZE,
    "wildcards": "__a__," * (SIZE // 6),
    "periods": "a. (b) " * (SIZE // 7),
    "digits": "x AND (:" + "1" * SIZE + "a)",
    "tabs": "\n" + "\t" * SIZE,
    "names": "miku (a), " * (SIZE // 10),
    "typed names": "a_(b)_(c)" * (SIZE // 9),
    "escapes": "\\(a" * (SIZE // 3),
    "angle tags": "<a:(>," * (SIZE // 6),
    "crossed": "([)]" * (SIZE // 4),
    "bars": "[(|)]" * (SIZE // 5),
    "emoticons": ":(, " * (SIZE // 4),
    "numbers": ("[a:" + "11," * 12 + "a]") * (SIZE // 40),
    "keywords": "a AND b " * (SIZE // 8),
    "weights of prompts": "a :1. AND " * (SIZE // 10),
    "slashes": "/" * SIZE,
    "line comments": "a // b\n" * (SIZE // 7),
    "open blocks": "/*" * (SIZE // 2),
    "blocks": "*/ /* a " * (SIZE // 8),
    "emphasis": "1.2::a, b:: " * (SIZE // 12),
    "open emphasis": "1::a " * (SIZE // 5),
    "colons": "::" * (SIZE // 2),
    "parameters": "a --ar 1:1, " * (SIZE // 12),
    "nested no": "--no a " * (SIZE // 7),
    "dashes": "--" * (SIZE // 2),
}


@pytest.mark.parametrize("name", LARGE)
def test_nothing_is_quadratic(name: str) -> None:
    text = LARGE[name]
    start = time.process_time()
    prompt = parse(text)
    assert str(prompt) == text
    prompt.segments()
    prompt.escaped()
    split_sentences(text)
    split_prompt(text[: SIZE // 8])
    assert time.process_time() - start < 20  # far under a second; quadratic is minutes


def test_deep_nesting_does_not_recurse() -> None:
    text = "(" * 5000 + "cat" + ")" * 5000
    (segment,) = parse(text).segments()
    assert segment.text == text and segment.plain == "cat"
