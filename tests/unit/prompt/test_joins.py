"""Joined texts: the user's part stays verbatim and keeps its meaning, whatever it ends with."""

from __future__ import annotations

import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tipo_core.expansion.user_text import UserTags
from tipo_core.prompt import DEFAULT_TEMPLATE, SpanKind, Template, parse
from tipo_core.prompt.joins import join_caption, join_tags
from tipo_core.prompt.syntax.brackets import open_brackets

# Every blank of Unicode, by Python's own table.
BLANKS = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
LINE_BREAKS = "\r\n"
# One construct of each kind that the user has not closed.
UNCLOSED = (
    *("(hat", "((hat:1.2)", "[hat", "[hat|cap", "[hat:cap", "{hat", "{hat|cap", "${hat", "__hat"),
    *("/* a", "1.2::hat", "1.2::a 0.8::b", "hat --no cap", "hat // a note", "--no a, b", "/*/"),
    *("hat /*\n# note /*",),
    *("(hat :)", "(hat [b] :)", "hat :(", "[hat, :)", "-1::.5::"),
    *("<lora:x", "<lora:x:0.8", "<x:", "hat # a note", "# a note", "#", "hat \\", "hat\\(", "a <"),
)
CLOSERS = (
    *(">_<", ":)", ":]", ":}", ")", "]", "}", ">", "hat)", "cap]", "cap}", "__", "#", "x:0.5]"),
    *("*/", "::", "(a)", "[b]", "a|b}"),
)


@pytest.mark.parametrize("blank", BLANKS, ids=ascii)
def test_only_a_line_break_among_the_blanks_separates_tags(blank: str) -> None:
    assert len(BLANKS) == 29
    joined = join_tags(f"1girl, hat{blank}", "smile")
    assert joined.startswith(f"1girl, hat{blank}")
    words = [word for segment in parse(joined).segments() for word in segment.words]
    assert words == ["1girl", "hat", "smile"]
    assert (blank in LINE_BREAKS) == (joined == f"1girl, hat{blank}smile")
    assert Template.parse(DEFAULT_TEMPLATE).render({"user": f"hat{blank}", "added": "smile"}) == (
        f"hat{blank}smile" if blank in LINE_BREAKS else f"hat{blank}, smile"
    )


@pytest.mark.parametrize(
    ("user", "wanted"),
    [
        ("1girl\n ", "1girl\n hat"),
        ("1girl\r\n", "1girl\r\nhat"),
        ("1girl,\u3000", "1girl,\u3000hat"),
        ("1girl\uff0c", "1girl\uff0c hat"),
        ("1girl\u3001", "1girl\u3001 hat"),
        ("1girl  ", "1girl  , hat"),
    ],
)
def test_a_separator_of_the_users_is_enough(user: str, wanted: str) -> None:
    assert join_tags(user, "hat") == wanted


def changed(before: str, after: str) -> list[object]:
    """The spans of `before` that are not spans of `after`; the last one may have grown."""
    spans, longer = parse(before).spans, parse(after).spans
    lost: list[object] = [a for a, b in zip(spans[:-1], longer, strict=False) if a != b]
    if spans:
        last = spans[-1]
        now = longer[len(spans) - 1]
        may_grow = last.kind in (SpanKind.WORD, SpanKind.SEPARATOR, SpanKind.NEWLINE)
        is_same = now.text.startswith(last.text) if may_grow else now.text == last.text
        if now.kind is not last.kind or now.start != last.start or not is_same:
            lost.append(last)
    return lost


@pytest.mark.parametrize("unclosed", UNCLOSED)
def test_an_unclosed_construct_takes_in_nothing_that_is_appended(unclosed: str) -> None:
    typed = f"1girl, {unclosed}"
    user = UserTags(typed, escape_names=False)
    for closer in CLOSERS:
        joined = join_tags(user.text, ", ".join([user.spelled("smile"), user.spelled(closer)]))
        assert joined.startswith(typed)
        assert not changed(typed, joined), joined
        words = [word for segment in parse(joined).segments() for word in segment.words]
        assert "smile" in words, joined
        caption = join_caption(typed, f"A girl {closer} sits.")
        assert caption.startswith(typed)
        assert not changed(typed, caption), caption
    rendered = Template.parse("<|user|>, <|added|>").render({"user": typed, "added": "smile, >_<"})
    assert not changed(typed, rendered), rendered


PIECES = st.sampled_from(
    (
        *UNCLOSED,
        *CLOSERS,
        *BLANKS,
        *(",", ", ", "\uff0c", "\n", "1girl", "long_hair", "k-on!", "A girl sits. ", "BREAK"),
        *(
            "(a:1.2)",
            "<lora:x:1>",
            "embedding:x",
            "[a:b:0.5]",
            "# note\n",
            "//",
            "/* a */",
            "1.2::",
            "--ar 1:1",
            "--no ",
            "__c__",
            "{a|b}",
        ),
    )
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(PIECES, max_size=8).map("".join),
    st.lists(PIECES, min_size=1, max_size=3).map(" ".join),
)
@example("1girl, <lora:x", ">_<")
@example("(:", ":)")
def test_no_span_of_the_user_changes(typed: str, added: str) -> None:
    user = UserTags(typed, escape_names=False)
    tags = ", ".join(user.spelled(tag.strip()) for tag in added.split(",") if tag.strip())
    tags = " ".join(tags.split())
    if not typed.strip() or not tags:
        return
    joined = join_tags(user.text, "smile", tags)
    assert joined.startswith(typed)
    assert not changed(typed, joined), joined


def test_open_brackets_are_those_without_a_partner() -> None:
    assert open_brackets("(a, [b] {c") == "({"
    assert open_brackets("a) :(, \\( <x:(> (b)") == ""
