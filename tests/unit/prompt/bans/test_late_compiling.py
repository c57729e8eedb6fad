"""Regular expressions compile at first use, and ban what they banned when they compiled at once."""

from __future__ import annotations

import random

import pytest

from tipo_core.prompt import Bans
from tipo_core.prompt.bans import linear_regex
from tipo_core.prompt.bans.automaton import Regex
from tipo_core.prompt.bans.matchers import MAX_PHRASE, Pattern

ATOMS = (
    *("a", "t1", "red", " ", "-", "^", "$", ".", "*", "+", "?", "|", "(", ")", "(?:", "[a-z]"),
    *(
        "[^0-9]",
        "[ab]",
        "[z-a]",
        "[a-f0-9]",
        "[f-aa]",
        "[",
        "]",
        "{2}",
        "{9}",
        "{1,3}",
        "{3,1}",
        "{0}",
        "{2,}",
        "{",
    ),
    *("}", "\\d", "\\b", "\\.", "\\", "\\q", "\\W", "??", "k", "\u212a"),
)
NAMES = ("a", "red hat", "t123", "aa-a", "kk", "\u212a", "RED", "t1 t1", "", "0", "a.a", "t1red")


def compiled(pattern: str) -> Regex | None:
    try:
        return linear_regex.compile(pattern)
    except ValueError:
        return None


@pytest.mark.parametrize("seed", range(4))
def test_random_patterns_ban_as_if_compiled_at_once(seed: int) -> None:
    drawn = random.Random(seed)
    simple = 0
    for _ in range(1_000):
        pattern = "".join(drawn.choices(ATOMS, k=drawn.randint(1, 9)))
        regex = compiled(pattern)
        if linear_regex.is_simple(pattern):
            simple += 1
            assert regex is not None, pattern
        if regex is None:
            continue
        for name in NAMES:
            assert Pattern(pattern).in_tag(name) == regex.search(name), (pattern, name)
            words = name.replace("-", " - ").replace(".", " . ").split(" ")
            assert len(words) <= MAX_PHRASE
            if name.isalpha():
                assert Pattern(pattern).in_sentence(name) == regex.fullmatch(name), (pattern, name)
    assert simple > 100


@pytest.mark.parametrize(
    "pattern", ["a{9}" * 24, "(|a{9})" * 13, "|" * 96, "((|)|(a|b)+)" * 8, "[a]{9}" * 16]
)
def test_the_largest_simple_patterns_compile(pattern: str) -> None:
    assert linear_regex.is_simple(pattern)
    assert linear_regex.compile(pattern)


@pytest.mark.parametrize("pattern", ["(a", "a)", "a**", "a{3,1}", "[z-a]", "\\q", "(?=a)", "[a"])
def test_a_wrong_pattern_is_an_error_when_the_rules_are_parsed(pattern: str) -> None:
    with pytest.raises(ValueError, match="correct the regular expression"):
        Bans.parse(f"hat, /{pattern}/")
