"""The encode node's notes on comments and on forms of other programs."""

from __future__ import annotations

import pytest

from tests.host.report_lines import line_with
from tipo_core.pictures.text.unread_forms import comment_lines, unread_forms


def test_every_form_is_quoted_with_its_remedy() -> None:
    text = "{red|blue} cat, __colour__, 1.2::hat::, @wlop, a dog --ar 16:9, (a AND b:1.2)"
    notes = unread_forms([text, text])
    assert len(notes) == 6
    assert line_with(notes, '"{red|blue}"', "resolve_choices")
    assert line_with(notes, '"__colour__"', "read as words")
    assert line_with(notes, '"1.2::", "::"', "(word:1.2)")
    assert line_with(notes, '"--ar 16:9"', "delete it")
    assert line_with(notes, '"@wlop"', "Anima")
    assert line_with(notes, '"(a AND b:1.2)"', "outside of brackets")


def test_an_artist_is_no_matter_without_clip() -> None:
    assert unread_forms(["@wlop, cat"], is_clip=False) == []


@pytest.mark.parametrize("text", ["((@wlop:1.1):1.2)", "1.2::@wlop::", "a\n@wlop", "[x:@wlop:0.5]"])
def test_an_artist_is_found_in_groups(text: str) -> None:
    assert line_with(unread_forms([text]), "@wlop", "Anima")


def test_plain_text_has_no_notes() -> None:
    text = "user@example, :: x, a -- b, (cat:1.2), [a|b], AND, {a}, # {a|b}, @_@, http://x.y"
    assert unread_forms([text]) == []


def test_many_and_long_examples_are_shortened() -> None:
    text = ", ".join(f"__w{number}__" for number in range(9))
    (note,) = unread_forms([text])
    assert '"__w0__", "__w1__", "__w2__" and 6 more' in note
    (note,) = unread_forms(["{" + "a" * 100 + "|b}"])
    assert len(note) < 200


def test_comments_are_quoted_once() -> None:
    typed = "a # x\n// y\nb /* z */"
    assert comment_lines([typed, typed]) == ['left out as comments: "# x", "// y", "/* z */"']
    assert comment_lines(["a, #compass"]) == []
