"""Comments, NovelAI's weights, parameters and artists: kept as typed, no words for the model."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipo_core.prompt import Category, SpanKind, category, parse, split_prompt
from tipo_core.prompt.syntax.comments import comments, without_comments


def words(text: str) -> list[str]:
    prompt = parse(text)
    assert str(prompt) == text
    return [word for segment in prompt.segments() for word in segment.words]


def of_kind(text: str, kind: SpanKind) -> list[str]:
    return [span.text for span in parse(text).spans if span.kind is kind]


@pytest.mark.parametrize(
    ("text", "found", "seen"),
    [
        ("a # note", ["# note"], ["a"]),
        ("#note, x\na", ["#note, x"], ["a"]),
        ("a, #compass, #1", [], ["a", "#compass", "#1"]),
        ("a #compass b", [], ["a #compass b"]),
        ("#compass, 1girl\n#note", ["#note"], ["#compass", "1girl"]),
        ("a#b, c # d", ["# d"], ["a#b", "c"]),
        ("// note\na", ["// note"], ["a"]),
        ("a //note\r\nb", ["//note"], ["a", "b"]),
        ("a\t// note", ["// note"], ["a"]),
        ("http://x.y/z, and/or, a//b, 1/2", [], ["http://x.y/z", "and/or", "a//b", "1/2"]),
        ("a,// b", [], ["a", "// b"]),
        ("a // b /* c\nd */", ["// b /* c"], ["a", "d */"]),
        ("a /* b, (c\n# d */ e, f", ["/* b, (c\n# d */"], ["a e", "f"]),
        ("/* a */ b, /* c */", ["/* a */", "/* c */"], ["b"]),
        ("a /* b", [], ["a /* b"]),
        ("/*/ a", [], ["/*/ a"]),
        ("(a // b)\n c:1.2)", ["// b)"], ["a", "c"]),
        ("<lora:a // b:1> c", [], ["c"]),
        ("a // <lora:x:1>", ["// <lora:x:1>"], ["a"]),
        ("{a // b}\nc}", ["// b}"], ["a", "c"]),
        ("a \\# b", [], ["a # b"]),
    ],
)
def test_comments(text: str, found: list[str], seen: list[str]) -> None:
    assert comments(text) == found
    assert words(text) == seen


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a # b", "a"),
        ("# a\nb", "b"),
        ("a\n  # b\nc", "a\nc"),
        ("a, // x\r\n// y\r\nb", "a,\r\nb"),
        ("a /* x */, b", "a , b"),
        ("a/* x */b", "a b"),
        ("(a # b\n c:1.2)", "(a\n c:1.2)"),
        ("[a:b // c\n:0.5]", "[a:b\n:0.5]"),
        ("http://x.y, #compass, #1", "http://x.y, #compass, #1"),
        ("# a", ""),
    ],
)
def test_text_without_comments(text: str, left: str) -> None:
    assert without_comments(text) == left


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            (
                *(
                    "#",
                    "# ",
                    "//",
                    "/*",
                    "*/",
                    "/",
                    "*",
                    "\n",
                    "\r\n",
                    " ",
                    "\t",
                    "a",
                    "(",
                    ")",
                    "[",
                ),
                *("]", "{", "}", "<x:", ">", "\\", ",", "|", ":1.2)", "::", "1.2::", "--no "),
            )
        ),
        max_size=14,
    ).map("".join)
)
def test_comments_are_the_spans_outside_of_wildcards(text: str) -> None:
    """The encoder's view of a comment is the parser's, at every depth."""

    def spans_of(spans: object) -> list[str]:
        found = []
        for span in spans:  # type: ignore[attr-defined]
            if span.kind is SpanKind.COMMENT:
                found.append(span.text)
            found += spans_of(span.children)
        return found

    opaque = [s for s in parse(text).spans if s.kind in (SpanKind.WILDCARD, SpanKind.PARAMETER)]
    if "{" in text or "$" in text or opaque:
        return
    assert spans_of(parse(text).spans) == comments(text)


@pytest.mark.parametrize(
    ("text", "signs", "seen"),
    [
        ("1.2::1girl, smile::, hat", ["1.2::", "::"], ["1girl", "smile", "hat"]),
        ("-1::hat::", ["-1::", "::"], []),
        ("+.5::hat::, a", ["+.5::", "::"], ["hat", "a"]),
        ("1.2::a 0.8::b::, c", ["1.2::", "0.8::", "::"], ["a b", "c"]),
        ("2::a::0.5::b:: c", ["2::", "::", "0.5::", "::"], ["a b c"]),
        ("1.3::{a}, [b] ::", ["1.3::", "::"], ["a", "b"]),
        ("1.2::hatsune miku (append)::", ["1.2::", "::"], ["hatsune miku (append)"]),
        ("-1::.5::", ["-1::", "::"], []),
        ("-1.5::hat, cap::, a", ["-1.5::", "::"], ["a"]),
        ("-1::hat 0.8::coat::, a", ["-1::", "0.8::", "::"], ["coat", "a"]),
        ("a -1::hat:: b, c", ["-1::", "::"], ["a b", "c"]),
        ("2::a 3::, b", ["2::", "::"], ["a 3", "b"]),
        ("a BREAK 1.5::b::", ["1.5::", "::"], ["a", "b"]),
        ("std::vector, a:: b, :: c", [], ["std::vector", "a:: b", ":: c"]),
        ("Josh Thorp :: ford :: ink", [], ["Josh Thorp :: ford :: ink"]),
        ("hot:: dog::2, cat::-0.5", [], ["hot:: dog::2", "cat::-0.5"]),
        ("scale 1::2 model", [], ["scale 1::2 model"]),
        ("x1.2::a::", [], ["x1.2::a::"]),
        ("1.2:: a ::", [], ["1.2:: a ::"]),
        ("1.2::a", [], ["1.2::a"]),
    ],
)
def test_weights_of_novelai(text: str, signs: list[str], seen: list[str]) -> None:
    assert of_kind(text, SpanKind.EMPHASIS) == signs
    assert words(text) == seen


def test_the_tags_of_one_weight_stay_together() -> None:
    texts = [segment.text for segment in parse("a, 1.2::b, c::, d").segments()]
    assert texts == ["a", "1.2::b, c::", "d"]


def test_a_schedule_is_not_read_as_weights() -> None:
    assert of_kind("[a::0.5], [1.2::b::0.5]", SpanKind.SCHEDULE) == ["[a::0.5]", "[1.2::b::0.5]"]


@pytest.mark.parametrize(
    ("text", "parameters", "seen"),
    [
        ("rainy --ar 16:9 --v 6.0", ["--ar 16:9", "--v 6.0"], ["rainy"]),
        ("a --style raw --s 250", ["--style raw", "--s 250"], ["a"]),
        ("a --no hat, (dog) --tile", ["--no hat, (dog) ", "--tile"], ["a"]),
        ("a --no hat, b\nc", ["--no hat, b"], ["a", "c"]),
        ("a --no hat <lora:x:1>, b", ["--no hat "], ["a", "b"]),
        ("--ar 3:2, a", ["--ar 3:2"], ["a"]),
        ("a --niji 6 --niji", ["--niji 6", "--niji"], ["a"]),
        ("a --sref https://x.y/z.png 123 --cw 50", None, ["a"]),
        ("a --steps 30 --W 512", ["--steps 30", "--W 512"], ["a"]),
        ("a --ar=16:9 b", ["--ar=16:9"], ["a b"]),
        ("a --chaos 5 --q .5 --iw 2", ["--chaos 5", "--q .5", "--iw 2"], ["a"]),
        ("a cat -- sitting --on a mat", [], ["a cat -- sitting --on a mat"]),
        ("a cat--ar 16", [], ["a cat--ar 16"]),
        ("she said --no, really", [], ["she said --no", "really"]),
        ("--fast cars-- and --style matters", [], ["--fast cars-- and --style matters"]),
        ("--- , --", [], ["---", "--"]),
    ],
)
def test_parameters(text: str, parameters: list[str] | None, seen: list[str]) -> None:
    found = of_kind(text, SpanKind.PARAMETER)
    assert parameters is None or found == parameters
    assert words(text) == seen


def test_parameters_and_comments_go_to_the_rest_of_a_split() -> None:
    split = split_prompt("1girl, hat /* a */ --ar 16:9 --v 6 // b")
    assert split.tags == "1girl, hat"
    assert split.rest == "/* a */ --ar 16:9 --v 6 // b"
    assert split.caption == split.networks == ""


@pytest.mark.parametrize(
    "tag", ["@wlop", "(@wlop:1.2)", "@big_chungus", "[@n n]", "@\u732b", "@1041"]
)
def test_an_at_sign_names_an_artist(tag: str) -> None:
    (word,) = words(tag)
    assert category(word) is Category.ARTIST
    assert split_prompt(f"1girl, {tag}, smile").tags == f"1girl, {tag}, smile"


@pytest.mark.parametrize("tag", ["user@example", "@_@", "@", "@ home", "a @wlop", "me@x.y", "@@"])
def test_other_at_signs_are_words(tag: str) -> None:
    assert category(tag) is Category.GENERAL


SIGNS = (
    *"#/*:-@|{}[]()<>\\,",
    "\n",
    " ",
    "1.2::",
    "::",
    "--ar 1:1",
    "--no ",
    "// ",
    "/*",
    "a",
    "B",
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(SIGNS), max_size=16).map("".join))
def test_every_mixture_is_kept(text: str) -> None:
    prompt = parse(text)
    assert "".join(span.text for span in prompt.spans) == str(prompt) == text
    for segment in prompt.segments():
        assert text[segment.start : segment.end] == segment.text == segment.text.strip()
    assert "".join(part.text for part in split_prompt(text).parts) == text
