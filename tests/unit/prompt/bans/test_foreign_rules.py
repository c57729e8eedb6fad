"""Ban lists of other packs keep their meaning."""

from __future__ import annotations

import random
import re

import pytest

from tipo_core.prompt import Bans
from tipo_core.prompt.bans.foreign_rules import SYNTAXES, read_rules

TAGS = (
    *("hat", "witch hat", "hat ribbon", "chat log", "that", "hatsune miku", "gun", "ball"),
    *("football", "simple background", "white background", "background text", "open mouth"),
    *("mouth hold", "red eyes", "blue eyes", "1girl", "k-on!", "from behind", ":)", "what if x"),
    *("hatsune miku (append)", "and/or", "if they mated", "a.b", "acb", "c++", "50%"),
)
ENTRIES = (
    *("hat", "gun", "ball", ".*background", "open mouth", "red|blue", "[rb]", "from behind"),
    *("(append)", "what if", "and/or", "a.b", "mouth", "if they mated", "hat$", "^hat"),
    *("50%", "white .*", r"k-on!", r"hat\w+"),
)


def refused_by_kgen(tag: str, entries: list[str]) -> bool | None:
    """The rule of the other pack, written anew; None where it stops with an error."""
    for entry in entries:
        if entry in tag:
            return True
        try:
            if re.match(entry, tag):
                return True
        except re.error:
            return None
    return False


def test_a_list_of_z_tipo_bans_the_same_tags() -> None:
    generator = random.Random(22)
    for _ in range(300):
        entries = generator.sample(ENTRIES, generator.randint(1, 4))
        bans = Bans.parse(read_rules(", ".join(entries), "z-tipo").rules)
        for tag in TAGS:
            expected = refused_by_kgen(tag, entries)
            if expected is not None:
                assert (bans.reason(tag, []) is not None) == expected, (entries, tag, bans)


@pytest.mark.parametrize("entry", ENTRIES)
def test_each_entry_of_z_tipo_alone(entry: str) -> None:
    bans = Bans.parse(read_rules(entry, "z-tipo").rules)
    for tag in TAGS:
        expected = refused_by_kgen(tag, [entry])
        if expected is not None:
            assert (bans.reason(tag, []) is not None) == expected, (entry, tag)


def test_an_entry_of_dantaggen_is_a_whole_tag() -> None:
    for entry in (*TAGS, *ENTRIES):
        bans = Bans.parse(read_rules(entry, "DanTagGen").rules)
        assert [tag for tag in TAGS if bans.reason(tag, [])] == [t for t in TAGS if t == entry]


def test_an_escaped_name_bans_the_name() -> None:
    # There it bans nothing: the model writes no backslash, and the tag does not begin so.
    bans = Bans.parse(read_rules(r"\(append\)", "z-tipo").rules)
    assert bans.reason("hatsune miku (append)", [])


def test_an_unsupported_expression_is_named_and_its_text_still_bans() -> None:
    read = read_rules("hat(?= ribbon), gun", "z-tipo")
    assert len(read.problems) == 1
    assert "hat(?= ribbon)" in read.problems[0]
    assert Bans.parse(read.rules).reason("gun", [])


def test_lines_and_empty_entries() -> None:
    assert read_rules(" , hat\n\ngun,,", "z-tipo").rules == "*hat*, *gun*"
    assert read_rules("", "z-tipo").rules == ""


def test_the_own_syntax_stays_as_typed() -> None:
    assert read_rules("if 1boy: /x,y/,\n*z", "tipo").rules == "if 1boy: /x,y/,\n*z"


def test_an_unknown_syntax_is_named_with_the_choices() -> None:
    with pytest.raises(ValueError, match=", ".join(SYNTAXES)):
        read_rules("hat", "yaml")
