"""Choices, against a second reading of what the text boxes of ComfyUI's page do."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipo_core.prompt.choices import resolve_choices


def options_of(text: str, start: int) -> tuple[list[str], int]:
    """The options of the choice whose ``{`` is before `start`, and the place after it."""
    options, depth, place = [""], 0, start
    while place < len(text):
        sign = text[place]
        place += 1
        if sign == "\\":
            options[-1] += text[place - 1 : place + 1]
            place += 1
        elif sign == "}" and not depth:
            break
        elif sign == "|" and not depth:
            options.append("")
        else:
            depth += {"{": 1, "}": -1}.get(sign, 0)
            options[-1] += sign
    return options, place


def every_result(text: str) -> set[str]:
    """All texts that the page can make of a text without comments."""
    results, place = {""}, 0
    while place < len(text):
        sign = text[place]
        place += 1
        parts = {sign}
        if sign == "\\":
            parts = {text[place - 1 : place + 1]}
            place += 1
        elif sign == "{":
            options, place = options_of(text, place)
            parts = set().union(*(every_result(option) for option in options))
        results = {result + part for result in results for part in parts}
    return {re.sub(r"\\([{}|])", r"\1", result) for result in results}


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(("{", "}", "|", "\\{", "\\|", "\\}", "a", "b ", "{c|d}", ", ")), max_size=10
    ).map("".join),
    st.integers(0, 2**64 - 1),
)
def test_the_result_is_one_of_the_pages(text: str, seed: int) -> None:
    assert resolve_choices(text, seed) in every_result(text)


# Results of the page's own function, with the picks that a patched Math.random made.
MEASURED = (
    ("{a|b}", {"a", "b"}),
    ("{a}", {"a"}),
    ("{}", {""}),
    ("x {a|{b|c}} y", {"x a y", "x b y", "x c y"}),
    ("{a|b", {"a", "b"}),
    ("a} | b", {"a} | b"}),
    ("\\{a\\|b\\}", {"{a|b}"}),
    ("{\\{a\\|b\\}|c}", {"{a|b}", "c"}),
    ("[a\\|b]", {"[a|b]"}),
    ("\\[a\\]", {"\\[a\\]"}),
    ("{a,|}b", {"a,b", "b"}),
    ("a /* {x|y} */b", {"a b"}),
    ("a // {x|y}\nb", {"a \nb"}),
    ("/* a\nb */c", {"c"}),
    ("/* a", {"/* a"}),
    ("a # {x|y}", {"a # x", "a # y"}),
    ("<lora:{a|b}:1>", {"<lora:a:1>", "<lora:b:1>"}),
)


@pytest.mark.parametrize(("text", "wanted"), MEASURED)
def test_every_option_is_drawn_and_nothing_else(text: str, wanted: set[str]) -> None:
    assert {resolve_choices(text, seed) for seed in range(64)} == wanted


def test_an_address_is_no_comment() -> None:
    assert resolve_choices("http://x.y/{a}", 1) == "http://x.y/a"


# Of the seeds 0, 1 and 2**64 - 1.
FIXED = ["c, a, b, c, b, c", "c, c, c, c, a, c", "c, c, c, c, a, b"]


def test_equal_seeds_pick_equally_on_every_machine() -> None:
    text = ", ".join(["{a|b|c}"] * 6)
    assert [resolve_choices(text, seed) for seed in (0, 1, 2**64 - 1)] == FIXED
    assert resolve_choices(text, 5, 0, "tags") != resolve_choices(text, 5, 1, "tags")


def test_the_options_are_equally_likely_and_independent() -> None:
    drawn = Counter(resolve_choices("{a|b|c} {d|e}", seed) for seed in range(6_000))
    assert len(drawn) == 6
    assert all(abs(count - 1_000) < 150 for count in drawn.values())


def test_no_global_generator_is_touched() -> None:
    random.seed(3)
    state = random.getstate()
    resolve_choices("{a|b}" * 100, 7)
    assert random.getstate() == state


@pytest.mark.parametrize("unit", ["{", "{a|", "}", "{a|b}", "\\{", "/*", "{//", "|"])
def test_deep_nesting_and_long_texts(unit: str) -> None:
    """Neither the depth of recursion nor the time limits the length of a text."""
    text = unit * (50_000 // len(unit))
    assert len(resolve_choices(text, 1)) <= len(text)


def test_a_text_without_choices_is_itself() -> None:
    text = "1girl, (a:1.2), [b|c], <lora:x:1>, and/or, # note"
    assert resolve_choices(text, 1) is text or resolve_choices(text, 1) == text
