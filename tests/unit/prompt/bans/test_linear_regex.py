"""The safe subset agrees with ``re``, and exponential patterns take linear time."""

from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipo_core.prompt.bans import linear_regex

ATOMS = (
    *("a", "b", "A", "1", " ", ".", "\\w", "\\d", "\\s", "\\W", "\\D", "\\S", "\\b", "\\B", "^"),
    *("$", "[ab]", "[^a]", "[a-c1]", "[\\w-]", "[]a]", "[^\\s.]", "\\.", "\\(", "()", "-"),
)
QUANTIFIERS = ("*", "+", "?", "*?", "+?", "{0}", "{2}", "{1,2}", "{0,2}", "{1,}", "{,2")


def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join),
        inner.map("({})".format),
        st.tuples(inner.map("(?:{})".format), st.sampled_from(QUANTIFIERS)).map("".join),
    )


def agrees(pattern: str, text: str) -> None:
    ours, theirs = linear_regex.compile(pattern), re.compile(pattern, re.IGNORECASE)
    if "\\B" in pattern and not text:
        return  # Python before 3.14 finds no ``\B`` in the empty text
    assert ours.search(text) == bool(theirs.search(text)), (pattern, text)
    assert ours.fullmatch(text) == bool(theirs.fullmatch(text)), (pattern, text)


@settings(max_examples=400, deadline=None)
@given(
    st.recursive(st.sampled_from(ATOMS), extend, max_leaves=8),
    st.lists(st.text("abcAB1 .-(_,2{", max_size=8), min_size=3, max_size=3),
)
def test_agrees_with_re(pattern: str, texts: list[str]) -> None:
    for text in texts:
        agrees(pattern, text)


def test_agrees_with_re_on_many_words() -> None:
    rng = random.Random(3)
    patterns = (
        *("hat", ".*hat", "^(red|blue) .+$", "\\bhat\\b", "colou?r", "[a-f]{2,3}", "(ab|a)(bc|c)"),
        *("(a*)*", "(a|b)*c", "a.c", "x{2}", "(?:ab)+", "[^aeiou ]+$", "\\d+girls?", "B"),
    )
    for pattern in patterns:
        for _ in range(60):
            agrees(pattern, "".join(rng.choices("abchatx redblu1girs", k=rng.randrange(12))))


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(a*)*b", "(.*)*x", "((a?){10}){4}b", "a{50}a{50}b"]
)
def test_exponential_patterns_take_linear_time(pattern: str) -> None:
    regex = linear_regex.compile(pattern)
    start = time.perf_counter()
    assert regex.search("a" * 2000 + "!") is False
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "without"),
        ("a)", "without"),
        ("[a", "without"),
        ("*", "nothing to repeat"),
        ("a|+", "nothing to repeat"),
        ("a**", "multiple repeat"),
        ("(?=a)", "not supported"),
        ("(?P<x>a)", "not supported"),
        ("(?i)a", "not supported"),
        ("\\1", "not supported"),
        ("\\p", "not supported"),
        ("\\", "not supported"),
        ("[z-a]", "bad range"),
        ("a{3,2}", "wrong order"),
        ("a{200}", "above 100"),
        ("((a{99}){99}){99}", "too large"),
        ("(" * 40 + ")" * 40, "nested"),
    ],
)
def test_errors_name_the_cause(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        linear_regex.compile(pattern)


@settings(max_examples=200, deadline=None)
@given(st.text("ab(){}[]|*+?\\^$.-,19:dwbB", max_size=12))
def test_any_text_compiles_or_is_a_value_error(pattern: str) -> None:
    try:
        linear_regex.compile(pattern).search("ab1")
    except ValueError:
        return


def test_case_is_ignored() -> None:
    assert linear_regex.compile("[A-C]AT").fullmatch("cat")
    assert linear_regex.compile("hat").search("WITCH HAT")
