"""A prompt without its tags: all other text is kept, and no empty item is added."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.pictures.text.prompt_clauses import clauses
from tests.unit.prompt.scanned import count_scanned
from tipo_core.pictures.loras.tag_removal import without_tags


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a, <lora:x:1>, b", "a, b"),
        ("a, <lora:x:1>", "a"),
        ("<lora:x:1>, a", "a"),
        ("<lora:x:1>a", "a"),
        ("<lora:x:1>", ""),
        ("a <lora:x:1> b", "a b"),
        ("a<lora:x:1>b", "ab"),
        ("a<lora:x:1> b", "a b"),
        ("a <lora:x:1> <lora:y:1>, b", "a, b"),
        ("a, <lora:x:1>, <lora:y:1>, b", "a, b"),
        ("a,, <lora:x:1>", "a,"),
        ("a, <lora:x:1>\nb", "a,\nb"),
        ("a,\n<lora:x:1>\nb", "a,\nb"),
        ("a,\r\n<lora:x:1>\r\nb", "a,\r\nb"),
        ("a\n\n<lora:x:1>", "a\n"),
        ("<lora:x:1>\n\na", "\na"),
        ("(<lora:x:1>\n#b, c)", "(\n#b, c)"),
        ("a\uff0c<lora:x:1>\uff0cb", "a\uff0cb"),
        ("a BREAK <lora:x:1> b", "a BREAK b"),
        ("[<lora:x:1>::0.5] b", "b"),
        ("a, [<lora:x:1>:<lora:y:1>:0.5], b", "a, b"),
        ("[cat <lora:x:1>:dog:0.5]", "[cat:dog:0.5]"),
        ("[<lora:x:1>:cat:0.5]", "[:cat:0.5]"),
        ("[cat|<lora:x:1>]", "[cat|]"),
        ("([<lora:x:1>], <lora:y:1>:1.2), b", "b"),
        ("<hypernet:x:1> a <emb:y>", "a <emb:y>"),
        ("a,  b ,<i love you>", "a,  b ,<i love you>"),
    ],
)
def test_what_remains(text: str, expected: str) -> None:
    assert without_tags(text) == expected


_WORDS = ["cat", "big hat", "k-on!", ":)", "\\(x\\)", "(sea:1.3)", "[a:b:0.5]", "[c|d]", "{e|f}"]
_JOINTS = [", ", ",", " ", "\n", ",\n", " BREAK ", "  ", "\uff0c", "\t"]
_TAGS = ["<lora:x:1>", "<lyco:y>", "<hypernet:z:0.5>", "[<lora:x:1>::0.5]", "(<lora:x>:1.1)"]


def letters(text: str) -> str:
    """The text without tags, groups of tags, commas and blanks."""
    text = re.sub(r"<(?:lora|lyco|hypernet):[^>]*>", "", text)
    text = text.replace("[::0.5]", "").replace("(:1.1)", "")
    return re.sub(r"[\s,\uff0c]+", "", text)


@settings(max_examples=300)
@given(st.lists(st.sampled_from([*_WORDS, *_JOINTS, *_JOINTS, *_TAGS, *_TAGS]), max_size=20))
def test_words_stay_and_no_empty_item_is_added(parts: list[str]) -> None:
    text = "".join(parts)
    kept = without_tags(text)
    assert letters(kept) == letters(text)
    assert without_tags(kept) == kept
    plain = not any(tag in text for tag in _TAGS)
    if plain:
        assert kept == text
    own = len(re.findall(r"[,\uff0c][ \t]*(?=[,\uff0c])", re.sub(r"<[^>]*>", "x", text)))
    assert len(re.findall(r"[,\uff0c][ \t]*(?=[,\uff0c])", kept)) <= own


@given(st.lists(st.sampled_from([*_WORDS, ", ", " ", *_TAGS]), max_size=12))
def test_schedules_keep_their_meaning(parts: list[str]) -> None:
    """The texts at each time, with the tags cut out of each of them, are those of the result."""
    text = "".join(parts)
    before = {clause.ranges: letters(clause.texts[0]) for clause in clauses([_bare(text)], 20)}
    after = {
        clause.ranges: letters(clause.texts[0]) for clause in clauses([without_tags(text)], 20)
    }
    assert after == before


def _bare(text: str) -> str:
    return re.sub(r"\[<lora:x:1>::0.5\]|<(?:lora|lyco|hypernet):[^>]*>", "", text)


def test_a_long_prompt_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a cat, <lora:x:1>, (hat <lora:y:0.5>:1.2) [<lora:z:1>::0.5],\n" * 1000
    scanned = count_scanned(monkeypatch)
    without_tags(text)
    assert scanned() < 5 * len(text)
