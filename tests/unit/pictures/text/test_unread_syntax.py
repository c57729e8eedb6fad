from __future__ import annotations

import pytest

from tests.host.report_lines import line_with
from tipo_core.pictures.text.unread_syntax import (
    bare_weights,
    network_notes,
    square_bracket_note,
    unread_notes,
    unweighted_texts,
    without_extra_networks,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cat:1.2, dog : 0.8", ["cat:1.2", "dog : 0.8"]),
        ("red hair:1.25", ["hair:1.25"]),
        ("score_9:1", ["score_9:1"]),
        ("16:9, 10:30, a :3, :), c::1, a:b, v:1.2.3, 5:20pm, x:40%", []),
        ("embedding:12", []),
    ],
)
def test_weights_without_brackets(text: str, found: list[str]) -> None:
    assert list(bare_weights(text)) == found


def test_notes_quote_the_words_and_name_the_remedy() -> None:
    notes = unread_notes(["a <lora:x:1>, cat:1.2", r"(b \(c\), (d"])
    assert line_with(notes, '"<lora:x:1>"', "Load LoRAs from Prompt")
    assert line_with(notes, '"cat:1.2"', "(cat:1.2)")
    assert line_with(notes, r'"(b \(c\), (d"', "partner")
    assert len(notes) == 3
    assert unread_notes(["a, b <3 :3 16:9", r"\(c\)"]) == []


def test_each_kind_of_tag_has_its_own_remedy() -> None:
    """No LoRA node loads a hypernetwork or reads `<a:b>`."""
    notes = unread_notes(["<hypernet:x:1>, <a:b>, <LORA:y:1>, <lyco:z:1>"])
    assert line_with(notes, '"<LORA:y:1>", "<lyco:z:1>"', "Load LoRAs from Prompt")
    assert line_with(notes, '"<hypernet:x:1>"', "Hypernetwork Loader")
    assert line_with(notes, '"<a:b>"', "without < and >")
    assert len(notes) == 3 and "".join(notes).count("Load LoRAs") == 1
    left_out = network_notes(["<hypernet:x:1>", "<a:b>", "<lora:y:1>"], "left out")
    assert [note.split(":")[0] for note in left_out] == ["left out"] * 3
    assert line_with(left_out, '"<a:b>"', "<name:value>")
    assert network_notes([], "left out") == []


def test_a_bracket_that_is_not_closed_has_its_own_note() -> None:
    note = square_bracket_note("[a], [cat:dog")
    plain, loose = note.splitlines()
    assert '"[a]"' in plain and "lowers a weight" in plain
    assert '"[cat:dog"' in loose and "has no partner" in loose and "lowers" not in loose


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("a (b:1.2) c", ["a ", " c", "b"]),
        ("((a:1.3) b)", [" b", "a"]),
        ("(a b", ["(a b"]),
        ("((a)", ["(a"]),
        ("a) (b) (c)", ["a) (b) (c)"]),
        (r"\(a\) (b:c)", [r"\(a\) ", "b:c"]),
        ("(:1) (a:) ()", [":1", " ", "a:", " "]),
        (r"(\)", [r"(\)"]),
    ],
)
def test_texts_without_weights_are_those_of_comfyui(text: str, texts: list[str]) -> None:
    assert sorted(unweighted_texts(text)) == sorted(texts)


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("cat :1.2", '"cat :1.2"'),
        ("b :0.5, coat", '"b :0.5"'),
        ("a smile :3 b", ""),
        ("a <lora:x b", '"<lora:x b"'),
    ],
)
def test_weights_after_a_blank_and_unclosed_tags_are_named(text: str, quote: str) -> None:
    notes = unread_notes([text])
    assert bool(notes) == bool(quote) and quote in "".join(notes)


def test_many_quotes_are_counted() -> None:
    (note,) = unread_notes([", ".join(f"w{i}:1.{i}" for i in range(9)), "w0:1.0"])
    assert '"w0:1.0", "w1:1.1", "w2:1.2" and 6 more' in note


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("a [b], [[c]]", '"[b]", "[[c]]"'),
        ("(a [b]:1.2)", '"[b]"'),
        ("[[a]:b:0.5]", '"[a]"'),
        (r"[a:b:0.5], [c|d], \[e\], smile :], >:[", ""),
        ("a, [cat:dog", '"[cat:dog"'),
        ("cat dog]", '"cat dog]"'),
        ("{a}, {{b}}, {c", '"{a}", "{{b}}"'),
        ("{c", '"{c"'),
    ],
)
def test_square_brackets_are_words_in_comfyuis_syntax(text: str, quote: str) -> None:
    note = square_bracket_note(text)
    assert quote in note and bool(note) == bool(quote)


def test_tags_of_extra_networks_are_removed_as_in_a1111() -> None:
    text = "a <lora:x:1>b, <hypernet:y>, 1 < 2, <b>, <lora:z"
    removed = ["<lora:x:1>", "<hypernet:y>"]
    assert without_extra_networks(text) == ("a b, , 1 < 2, <b>, <lora:z", removed)
    assert without_extra_networks("<a:" * 300_000) == ("<a:" * 300_000, [])


def test_a_megabyte_of_one_word_takes_linear_time() -> None:
    assert unread_notes(["a" * 1_000_000, "a:" * 300_000]) == []
    assert len(list(unweighted_texts("(a:1.2) b, " * 90_000))) == 180_000
