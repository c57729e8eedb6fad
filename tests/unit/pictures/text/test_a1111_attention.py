"""A1111's weights, compared with the examples of its sources and with a second implementation."""

from __future__ import annotations

import random

import pytest

from tests.unit.pictures.text.a1111_rules import random_prompt, weights
from tipo_core.pictures.text.a1111_attention import read_attention

# The first six are A1111's own, from the docstring of parse_prompt_attention.
EXAMPLES = {
    "normal text": [("normal text", 1.0)],
    "an (important) word": [("an ", 1.0), ("important", 1.1), (" word", 1.0)],
    "(unbalanced": [("unbalanced", 1.1)],
    r"\(literal\]": [("(literal]", 1.0)],
    "(unnecessary)(parens)": [("unnecessaryparens", 1.1)],
    "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).": [
        ("a ", 1.0),
        ("house", 1.5730000000000004),
        (" ", 1.1),
        ("on", 1.0),
        (" a ", 1.1),
        ("hill", 0.55),
        (", sun, ", 1.1),
        ("sky", 1.4641000000000006),
        (".", 1.1),
    ],
    "": [("", 1.0)],
    "((((": [("", 1.0)],
    "((a:1.3))": [("a", 1.3 * 1.1)],
    "(a (b:1.2):1.3)": [("a ", 1.3), ("b", 1.2 * 1.3)],
    "[a], (b:0)": [("a", 1 / 1.1), (", ", 1.0), ("b", 0.0)],
    "(a: 1.2 ), [b": [("a", 1.2), (", ", 1.0), ("b", 1 / 1.1)],
    r"\a \\ a\:b": [(r"a \ a:b", 1.0)],
    "a) b:1.2) c]": [("a) b:1.2) c]", 1.0)],
    "a BREAK\nb": [("a", 1.0), ("BREAK", -1.0), ("b", 1.0)],
    "(a BREAK b:1.2)": [("a", 1.2), ("BREAK", -1.2), ("b", 1.2)],
    "BREAKS": [("BREAKS", 1.0)],
}


def read(text: str) -> list[tuple[str, float]]:
    return [(segment.text, segment.weight) for segment in read_attention(text).segments]


@pytest.mark.parametrize("text", EXAMPLES)
def test_weights_are_those_of_a1111(text: str) -> None:
    assert read(text) == weights(text) == EXAMPLES[text]


def test_10_000_random_prompts_have_equal_segments_and_weights_to_the_bit() -> None:
    source = random.Random(1)
    compared = 0
    while compared < 10_000:
        text = random_prompt(source)
        try:
            expected = weights(text)
        except ValueError:  # A1111 fails for (a:1.2.3)
            continue
        assert read(text) == expected, text
        compared += 1


def test_number_that_a1111_refuses_is_text() -> None:
    segments, unpaired, _ = read_attention("(a:1.2.3) b")
    assert segments == [("a:1.2.3", 1.1), (" b", 1.0)]
    assert unpaired == [":1.2.3)"]


def test_signs_that_stay_words_are_told() -> None:
    assert read_attention("a) (b] (c:1.2) :1.3)").unpaired == [")", "]"]
    assert read_attention("(a BREAK b) BREAK c").broken == ["BREAK"]
    assert read_attention(r"(a) [b] \) BREAK c")[1:] == ([], [])


def test_break_is_a_word_on_request() -> None:
    assert read_attention("a BREAK b", has_breaks=False).segments == [("a BREAK b", 1.0)]


def test_brackets_may_nest_a_hundred_thousand_deep() -> None:
    # Beyond the depth that is multiplied one by one; A1111's own loop takes quadratic time.
    for text in ("(a" * 100_000, "[(a" * 10_000 + ":0.9)]" * 10_000):
        assert len(read(text)) > 100
    deep = "(" * 60 + "a" + ":0.9)" * 60
    assert read(deep)[0][1] == pytest.approx(0.9**60, rel=1e-12)
