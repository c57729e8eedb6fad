"""An expansion as a family's prompt: words, order, readings, and the user's text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.prompt.scanned import count_scanned
from tipo_core.expansion.user_text import UserTags
from tipo_core.prompt import parse
from tipo_core.prompt.families.family import Family
from tipo_core.prompt.families.family_files import family_files
from tipo_core.prompt.families.family_loading import load_families
from tipo_core.prompt.families.family_prompt import (
    LEFT_OUT,
    FamilyPrompt,
    family_prompt,
    token_notes,
)
from tipo_core.prompt.vocabulary.tags import Category, category

FAMILIES = {family.name: family for family in load_families(family_files())[0]}
# Families whose encoders read the text as it is typed.
AS_TYPED = [
    name
    for name, one in FAMILIES.items()
    if (one.underscores, one.weights, one.artist_prefix) == ("typed", "read", "")
]
LADDER = "score_9, score_8_up, score_7_up, score_6_up, score_5_up, score_4_up"
TYPED = "smile, wlop, 1girl, hatsune miku, (long_hair:1.2), <lora:my_style:0.8>"


def made(
    name: str | Family, tags: str, caption: str = "", added: str = "", sentences: str = "",
    negative: str = "", **options: str,
) -> FamilyPrompt:  # fmt: skip
    family = FAMILIES[name] if isinstance(name, str) else name
    fields = UserTags(tags).template_fields(added.split(", ") if added else (), caption, sentences)
    return family_prompt(family, fields, negative, **options)


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("sd15", f"{TYPED}\n\nA girl sits. It rains.\n\nrain"),
        ("sdxl", f"{TYPED}\n\nA girl sits. It rains.\n\nrain"),
        (
            "illustrious",
            "1girl, hatsune miku, general, smile, (long_hair:1.2), <lora:my_style:0.8>, wlop, "
            "masterpiece, best quality, newest, A girl sits. rain, It rains.",
        ),
        (
            "noobai",
            "masterpiece, best quality, newest, absurdres, highres, safe, 1girl, hatsune miku, "
            "wlop, smile, (long_hair:1.2), <lora:my_style:0.8>, A girl sits. rain, It rains.",
        ),
        (
            "pony",
            f"{LADDER}, rating_safe, A girl sits. 1girl, hatsune miku, wlop, smile, "
            "(long_hair:1.2), <lora:my_style:0.8>, rain, It rains.",
        ),
        (
            "anima",
            "masterpiece, best quality, score_7, safe, 1girl, hatsune miku, @wlop, smile, "
            "(long hair:1.2), <lora:my_style:0.8>, rain. A girl sits. It rains.",
        ),
        ("flux", f"A girl sits. It rains. {TYPED}, rain"),
        ("sd3", f"A girl sits. It rains. {TYPED}, rain"),
        (
            "qwen-image",
            f"A girl sits. It rains. {TYPED}, rain".replace("(long_hair:1.2)", "long_hair"),
        ),
    ],
)
def test_each_family_has_its_order(name: str, prompt: str) -> None:
    found = made(name, TYPED, "A girl sits.", "rain", "It rains.")
    assert found.prompt == prompt


@pytest.mark.parametrize("name", FAMILIES)
def test_defaults_are_safe_for_work(name: str) -> None:
    """A family that knows ratings asks for the safe one, and no family adds another."""
    family = FAMILIES[name]
    ratings = [word for word in family.words if category(word) is Category.RATING]
    assert set(ratings) <= {"safe", "general", "rating_safe"}
    assert bool(ratings) == bool(family.words)


def test_a_word_of_the_user_decides_about_its_kind() -> None:
    own = made("noobai", "old, low quality, 1girl, nsfw")
    assert own.prompt == "old, low quality, absurdres, highres, nsfw, 1girl"
    assert "nsfw" not in own.negative and "early" in own.negative
    assert "old" not in own.negative.split(", ")
    assert own.words == ("absurdres", "highres")
    assert any(
        "not added" in note and "masterpiece, best quality, newest, safe" in note
        for note in own.notes
    )
    # A score is another kind than quality, and year 2015 is a period.
    assert made("pony", "masterpiece, a").prompt.startswith(f"{LADDER}, masterpiece, rating_safe")
    assert made("pony", "score_9, a").prompt == "score_9, rating_safe, a"
    assert "newest" not in made("illustrious", "year 2015, a").prompt


def test_words_in_the_prompt_are_not_repeated() -> None:
    found = made("noobai", "highres, 1girl", added="absurdres")
    words = found.prompt.split(", ")
    assert sorted(words) == sorted(set(words))
    assert found.words == ("masterpiece", "best quality", "newest", "safe")
    own = made("illustrious", "1girl, monochrome", negative="lowres, hat")
    assert own.negative.startswith("lowres, hat, worst quality, comic")
    assert own.negative.split(", ").count("lowres") == 1 and "monochrome" not in own.negative


def test_readings_change_only_names_and_say_so() -> None:
    tags = (
        "(long_hair:1.2), (wlop, sakimichan:1.3), artist:wlop, @wlop, art by wlop, score_7, ^_^, "
        "<lora:my_style:1>, embedding:a_b, __my_card__, [cat_ears:dog_ears:0.5], "
        "miku_\\(append\\) # a_b"
    )
    found = made("anima", tags)
    for part in (
        *("(long hair:1.2)", "(@wlop, @sakimichan:1.3)", ", @wlop, @wlop, art by wlop"),
        *("score_7", "^_^", "<lora:my_style:1>", "embedding:a_b", "__my_card__", "# a_b"),
        *("[cat ears:dog ears:0.5]", "miku \\(append\\)"),
    ):
        assert part in found.prompt
    notes = "\n".join(found.notes)
    assert "'long_hair' -> 'long hair'" in notes and "'artist:wlop' -> '@wlop'" in notes


def test_a_reader_of_words_gets_no_brackets_of_weights() -> None:
    found = made(
        "qwen-image", "(blue eyes:1.3), ((hat)), [a:(b:1.2):0.5], (), <lora:a_b:1>",
        caption="A girl (smiling) with (red:1.2) shoes.",
    )  # fmt: skip
    assert found.prompt == (
        "A girl (smiling) with red shoes. blue eyes, hat, [a:b:0.5], (), <lora:a_b:1>"
    )
    assert "'(blue eyes:1.3)' -> 'blue eyes'" in "\n".join(found.notes)


def test_tags_of_a_prose_reader_can_be_left_out() -> None:
    tags = "1girl, (hat:1.2), <lora:x:1> embedding:y, __z__"
    left = made("flux", tags, "A girl.", "rain", prose_tags=LEFT_OUT)
    assert left.prompt == "A girl. <lora:x:1>, embedding:y, __z__"
    assert any(note.startswith("left out: 3 tags; kept: <lora:x:1>") for note in left.notes)
    assert made("flux", tags, prose_tags=LEFT_OUT).prompt == tags
    assert made("flux", "a BREAK b", "A girl.", prose_tags=LEFT_OUT).prompt == "A girl. a BREAK b"
    # The tags of CLIP stay.
    assert made("sd3", tags, "A girl.", "rain", prose_tags=LEFT_OUT).clip_text == f"{tags}, rain"
    # A family of tags has no such choice.
    assert "1girl" in made("pony", tags, "A girl.", prose_tags=LEFT_OUT).prompt
    with pytest.raises(ValueError, match="prose_tags 'x' is unknown: choose woven in, left out"):
        made("flux", tags, prose_tags="x")


def test_each_encoder_has_its_text() -> None:
    sd3 = made("sd3", "1girl, hat", "A girl.", "rain")
    assert (sd3.clip_text, sd3.t5_text) == ("1girl, hat, rain", "A girl. 1girl, hat, rain")
    flux = made("flux", "1girl", "A girl.")
    assert flux.clip_text == flux.t5_text == flux.prompt
    pony = made("pony", "1girl", "A girl.")
    assert pony.clip_text == pony.t5_text == pony.prompt


def test_divided_prompts_keep_their_parts() -> None:
    divided = made("pony", "a cat BREAK 1girl, dog, 2girls", added="rain")
    assert divided.prompt.startswith(f"{LADDER}, rating_safe, a cat BREAK 1girl, 2girls, dog, rain")
    both = made("noobai", "a cat AND smile, 1girl :0.5")
    prefix = "masterpiece, best quality, newest, absurdres, highres, safe"
    assert both.prompt == f"{prefix}, a cat AND {prefix}, smile, 1girl :0.5"
    assert any("AND divides" in note for note in both.notes)
    opened = made("noobai", "(smile, 1girl", added="rain")
    assert opened.prompt == f"{prefix}, (smile, 1girl, rain"
    assert any("is a word for T5" in note for note in made("flux", "a BREAK b").notes)
    assert not any("is a word" in note for note in made("pony", "a BREAK b").notes)


def test_counts_are_shown_beside_limits() -> None:
    sd3, sdxl = FAMILIES["sd3"], FAMILIES["sdxl"]
    assert token_notes(sdxl, {"l": [75, 11], "g": [75, 11]}) == [
        "CLIP-L and CLIP-G: 86 tokens in 2 chunks, limit 75: the text continues in further chunks; "
        "the first one counts most"
    ]
    lines = token_notes(sd3, {"l": [3], "t5xxl": [300]})
    assert lines[0] == "CLIP-L and CLIP-G: 3 tokens, limit 75"
    assert lines[1].startswith("warning: T5: 300 tokens, limit 256: the text may give artifacts")
    assert token_notes(sd3, {}) == []


PIECES = (
    *("(", ")", "[", "]", "{", ",", ", ", "\n", "\\(", "\\)", "((", "))", ":1.2)", ":0.5]"),
    *("<lora:a_b:0.8>", "embedding:a_b", " BREAK ", " AND ", "__c__", "{a|b}", "[a:b:0.5]"),
    *("(a:1.2)", " (b)", "^_^", ":)", " ", "a", "1girl", "long_hair", "masterpiece", "safe"),
    *("# x\n", "/*", "*/", "1.2::", "::", "wlop", "hatsune miku", "score_9", "A girl sits."),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.sampled_from(AS_TYPED))
def test_every_part_of_the_user_is_in_the_prompt_verbatim(pieces: list[str], name: str) -> None:
    """For families that read the text as typed: each tag, weight, network and divider."""
    user = UserTags("".join(pieces))
    fields = user.template_fields(("rain",), "", "It rains.")
    left = family_prompt(FAMILIES[name], fields).prompt
    segments = sorted((one.text for one in parse(user.text).segments()), key=len, reverse=True)
    for text in segments:
        assert text in left
        left = left.replace(text, "\0", 1)


@pytest.mark.parametrize("name", ["noobai", "anima", "qwen-image"])
def test_long_prompts_take_linear_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned = count_scanned(monkeypatch)

    def work(count: int) -> int:
        before = scanned()
        fields = {"user": "(long_hair:1.2), wlop, a cat, " * count, "added": ""}
        family_prompt(FAMILIES[name], fields)
        return scanned() - before

    assert 0 < work(800) < 4.1 * work(200)
