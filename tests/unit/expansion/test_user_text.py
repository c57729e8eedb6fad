"""Generated text is appended to the user's text."""

from __future__ import annotations

import pytest

from tests.unit.prompt.scanned import count_scanned
from tipo_core.expansion.user_text import UserTags, plain_caption
from tipo_core.prompt.joins import join_caption, join_tags


@pytest.mark.parametrize(
    ("user", "added", "wanted"),
    [
        ("1girl", "hat", "1girl, hat"),
        ("1girl,", "hat", "1girl, hat"),
        ("1girl, ", "hat", "1girl, hat"),
        ("1girl,\n", "hat", "1girl,\nhat"),
        ("", "hat", "hat"),
        ("1girl", "", "1girl"),
        ("  ", "hat", "hat"),
    ],
)
def test_join_tags(user: str, added: str, wanted: str) -> None:
    assert join_tags(user, added) == wanted


@pytest.mark.parametrize(
    ("user", "added", "wanted"),
    [
        ("A girl", " She sits.", "A girl. She sits."),
        ("A girl", ", smiling.", "A girl, smiling."),
        ("A girl. ", " She sits.", "A girl. She sits."),
        ("", " A girl.", "A girl."),
        ("A girl.", "", "A girl."),
    ],
)
def test_join_caption(user: str, added: str, wanted: str) -> None:
    assert join_caption(user, added) == wanted


ADDED = ("k-on!", "hat", "artist:wlop", "masterpiece")


def scanned_for(text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    with monkeypatch.context() as patch:
        scanned = count_scanned(patch)
        UserTags(text).template_fields(ADDED * 20, text, "A cat.")
        return scanned()


@pytest.mark.parametrize("line", ["1girl, hat # a note\n", "# note\n", "(a:1.2), <lora:x:1> # b\n"])
def test_the_work_for_the_fields_grows_with_the_text(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every piece is parsed a fixed number of times, however many pieces come before it."""
    small = line * (13_000 // len(line))
    once, twice = scanned_for(small, monkeypatch), scanned_for(small * 2, monkeypatch)
    assert twice < 2.2 * once
    assert once < 20 * len(small) + 100_000


def test_tags_of_every_field_keep_the_comma_after_a_stop() -> None:
    fields = UserTags("1girl, k-on!, smile").template_fields(["kimi no na wa.", "hat"], "", "")
    assert fields["user"] == "1girl, k-on!, smile"
    assert fields["added"] == "kimi no na wa., hat"
    everything = ", ".join(filter(None, fields.values()))
    assert "! smile" not in everything and ". hat" not in everything


def test_metadata_of_thousands_of_tags_is_one_line() -> None:
    meta = UserTags("artist:wlop, " * 3_000).metadata({"artist": "someone"})
    assert meta == {"artist": ", ".join(["someone", *["wlop"] * 3_000])}


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("A girl (sits:1.2).\nShe reads.", "A girl sits. She reads."),
        ("A girl (sits:1.2)\non a bench", "A girl sits on a bench"),
        ("A girl, (tall:1.2), sits", "A girl, tall, sits"),
        ("A girl sits. <lora:x:1> She reads.", "A girl sits. She reads."),
        ("(a:1.1) BREAK b", "a, b"),
    ],
)
def test_a_caption_gets_no_comma_after_a_sentence(typed: str, plain: str) -> None:
    assert plain_caption(typed) == plain
