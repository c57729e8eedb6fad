"""Templates: every combination of missing parts leaves clean text."""

from __future__ import annotations

import itertools
import re

import pytest

from tipo_core.prompt import DEFAULT_TEMPLATE, FIELDS, PRESETS, Template

from .scanned import count_scanned

VALUES = {
    "special": "1girl",
    "characters": "hatsune miku",
    "copyrights": "vocaloid",
    "artist": "someone",
    "general": "long hair, smile",
    "meta": "highres",
    "quality": "masterpiece",
    "rating": "safe",
    "extended": "A girl sits. She reads.",
    "generated": "A cat sleeps",
    "user": "1girl, (blue_eyes:1.3)",
    "added": "long hair, smile",
    "added_to_tags": "red eyes, hat",
    "added_to_caption": "blue eyes, coat",
    "typed_general": "boots, scarf",
    "added_general": "rain, night",
    "caption": "A dog runs.",
    "continued": "It barks.",
}
# The fields of an expansion with a caption.
WITH_CAPTION = {
    **{"general": "boots, rain", "typed_general": "boots", "added_general": "rain"},
    **{"special": "1girl", "quality": "masterpiece", "rating": "safe", "added": "rain"},
    **{"user": "1girl, boots, masterpiece, safe", "added_to_tags": "", "added_to_caption": "rain"},
    **{"caption": "A dog", "continued": "It barks.", "extended": "A dog. It barks."},
}
STRAY = re.compile(r",\s*,|^[\s,.]|[\s,]\Z|\n\n\n|\.\s*\.|\.\s*,|  | \n|\n ")
REFERENCE = [name for name in PRESETS if PRESETS[name] != DEFAULT_TEMPLATE]


def test_the_five_presets_of_the_reference_are_there() -> None:
    assert len(REFERENCE) == 5
    assert {*VALUES, "head"} == set(FIELDS)


def test_full_preset() -> None:
    assert Template.parse(PRESETS["Both, tag first (recommend)"]).render(VALUES) == (
        "1girl, hatsune miku, vocaloid,\nsomeone,\n\nboots, scarf,\n\nmasterpiece, highres, safe,"
        "\n\nA dog runs.\n\nrain, night,\n\nIt barks."
    )


@pytest.mark.parametrize("name", PRESETS)
def test_nothing_typed_stands_after_an_addition(name: str) -> None:
    """CLIP reads 77 tokens at once: what the user typed must be in the first ones."""
    text = Template.parse(PRESETS[name]).render(WITH_CAPTION)
    typed = [one for one in ("boots", "masterpiece", "safe", "A dog") if one in text]
    added = [one for one in ("rain", "It barks") if one in text]
    assert typed and max(map(text.index, typed)) < min(map(text.index, added))


def test_an_expansion_of_an_earlier_version_fills_the_new_fields() -> None:
    old = {"user": "1girl", "added": "hat", "extended": "A cat. It sits.", "generated": ""}
    assert Template.parse(DEFAULT_TEMPLATE).render(old) == "1girl\n\nA cat. It sits.\n\nhat"
    by_category = Template.parse(PRESETS["tag only (DTG mode)"])
    assert by_category.render({"special": "1girl", "general": "hat, coat"}) == "1girl,\n\nhat, coat"


@pytest.mark.parametrize("name", PRESETS)
def test_any_missing_parts_leave_no_trace(name: str) -> None:
    template = Template.parse(PRESETS[name])
    for count in range(len(template.fields) + 1):
        for present in itertools.combinations(template.fields, count):
            text = template.render({field: VALUES[field] for field in present})
            assert not STRAY.search(text), text
            positions = [text.find(VALUES[field]) for field in present]
            assert -1 not in positions and positions == sorted(positions)
            if not present:
                assert text == ""


def test_default_keeps_the_user_first() -> None:
    template = Template.parse(DEFAULT_TEMPLATE)
    typed_tags = {"user": "1girl", "added_to_tags": "hat", "generated": "A cat."}
    assert template.render(typed_tags) == "1girl, hat\n\nA cat."
    typed_caption = {"extended": "A cat. It sits.", "added_to_caption": "hat"}
    assert template.render(typed_caption) == "A cat. It sits.\n\nhat"
    assert template.render({**typed_caption, "user": "1girl"}) == (
        "1girl\n\nA cat. It sits.\n\nhat"
    )
    assert template.render({"user": "1girl"}) == "1girl"
    assert template.render({"user": "1girl", "generated": "A cat."}) == "1girl\n\nA cat."
    assert template.render({"added": "smile", "user": "  "}) == "smile"


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("1girl,", "1girl, smile"),
        ("1girl, ", "1girl, smile"),
        ("1girl ", "1girl , smile"),
        ("1girl\n", "1girl\nsmile"),
        ("A girl sits.", "A girl sits., smile"),
        ("1girl # a note", "1girl # a note\nsmile"),
        (" (a:1.2) ,,  <lora:my_style_v2:0.8>", " (a:1.2) ,,  <lora:my_style_v2:0.8>, smile"),
        ("a  b\n\n\n\nc", "a  b\n\n\n\nc, smile"),
        ("<|general|>", "<|general|>, smile"),
    ],
)
def test_values_are_verbatim(user: str, expected: str) -> None:
    assert Template.parse(DEFAULT_TEMPLATE).render({"user": user, "added": "smile"}) == expected


def test_no_letter_of_a_value_is_stripped() -> None:
    """The reference strips the letters of ``<s>``: ``red eyes, glasses`` -> ``glasse``."""
    for value in ("red eyes, glasses", "long dress", "s", "</s>", "<s>mess"):
        assert Template.parse("<|general|>").render({"general": value}) == value


def test_added_meta_tags_have_fields() -> None:
    template = Template.parse("<|artist|>, <|rating|>, <|quality|>")
    assert template.render(VALUES) == "someone, safe, masterpiece"


def test_literal_words_stay() -> None:
    template = Template.parse("photo of <|characters|> by <|artist|>, <|general|>.")
    assert template.render(VALUES) == "photo of hatsune miku by someone, long hair, smile."
    assert template.fields == ("characters", "artist", "general")
    assert Template.parse("masterpiece, <|user|>").render({}) == "masterpiece"
    assert Template.parse("").render(VALUES) == ""


def test_extended_falls_back_to_generated_once() -> None:
    only = {"generated": "A cat."}
    assert Template.parse("<|extended|>").render(only) == "A cat."
    both = PRESETS["Both + generated NL"]
    assert Template.parse(both).render(only) == "A cat."


def test_unknown_fields_are_errors_that_list_the_known() -> None:
    with pytest.raises(ValueError, match=r"'<\|colour\|>'.*<\|general\|>.*<\|user\|>"):
        Template.parse("<|colour|>")
    with pytest.raises(
        ValueError, match=r"template field '<\|colour\|>', '<\|mood\|>': use one of"
    ):
        Template.parse("<|colour|> <|mood|> <|user|> <|colour|>")
    with pytest.raises(ValueError, match=r"unknown template field '<\|colour\|>'"):
        Template.parse(DEFAULT_TEMPLATE).render({"colour": "red"})
    assert Template.parse("<| General |>").render(VALUES) == "long hair, smile"


STOPS = (".", "!", "?", "\u2026", "\u3002", "\uff01", "\uff1f", "!?", "...")


@pytest.mark.parametrize(
    "field",
    [n for n in FIELDS if n not in ("extended", "generated", "caption", "continued")],
)
def test_a_tag_that_ends_with_a_stop_keeps_its_comma(field: str) -> None:
    """`k-on!` and `kimi no na wa.` are tags; only in a caption a stop ends a sentence."""
    begins = ("k-on", "a, k-on", "A girl sits")
    for tag in (f"{begin}{stop}" for stop in STOPS for begin in begins):
        template = Template.parse(f"<|{field}|>, smile, <|rating|>")
        assert template.render({field: tag}).startswith(f"{tag}, smile")
        template = Template.parse(f"<|{field}|>, <|generated|>")
        assert template.render({field: tag, "generated": "A cat."}) == f"{tag}, A cat."


@pytest.mark.parametrize("field", ["extended", "generated"])
@pytest.mark.parametrize("end", [".", "!", '."', "?)", "\u3002", "...", "!?"])
def test_a_sentence_of_a_caption_gets_no_comma(field: str, end: str) -> None:
    caption = f"A girl sits{end}"
    template = Template.parse(f"<|{field}|>, <|quality|>")
    assert template.render({field: caption, "quality": "highres"}) == f"{caption} highres"
    assert template.render({field: "A girl", "quality": "highres"}) == "A girl, highres"


def test_a_stop_of_the_template_does_not_follow_another_stop() -> None:
    template = Template.parse("by <|artist|>. <|general|>")
    assert template.render({"artist": "k-on!", "general": "hat"}) == "by k-on! hat"
    assert template.render({"artist": "wlop", "general": "hat"}) == "by wlop. hat"


def test_a_long_output_is_refused_before_it_is_made() -> None:
    template = Template.parse("<|user|>, " * 5_000)
    with pytest.raises(ValueError, match="output has more than 8,000,000 characters: name each"):
        template.render({"user": "1girl, # a note\n" * 1_000})
    assert len(template.render({"user": "1girl"})) == 5_000 * len("1girl, ") - 2


def test_the_values_of_thousands_of_fields_are_looked_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scanned = count_scanned(monkeypatch)
    value = "1girl # a note\n" * 20 + "hat # a note"
    Template.parse("<|user|>, <|general|> " * 2_000).render({"user": value, "general": value})
    assert scanned() < 10 * len(value)
