"""Style and filler words are refused unless the prompt asks for them."""

from __future__ import annotations

import pytest

from tipo_core.prompt.vocabulary.asked import AskedFor

REFUSED = {
    "penguins on an iceberg": "monochrome; heart; ice cream; petals; chibi; sword; greyscale",
    "1girl, red hair": "sketch; letterboxed; speech bubble; multiple views; comic; signature",
    "snowy village at night": "food; weapon; white border; english text; happy birthday; 2023",
    "1boy, hoodie": "alternate costume; gap (touhou); stuffed toy; heart-shaped pillow",
    "map of an island": "close-up; blue theme; snail; treasure chest; rust",
    "1boy, morgan freeman": "beard; stubble; lanyard; straw hat",
}
ALLOWED = {
    "1girl, black and white photo": "monochrome; greyscale",
    "knight, castle": "sword; shield; holding sword",
    "a family having a picnic": "food; fruit; sandwich",
    "pencil drawing of a horse": "sketch; monochrome",
    "comic page": "speech bubble; multiple views; monochrome",
    "cherry blossoms, path": "petals; falling petals",
    "hatsune miku, vocaloid": "alternate costume; gap (touhou)",
    "valentine's day": "heart; heart-shaped box",
    "1girl, chibi": "chibi; mini person",
    "penguins on an iceberg": "snow; ocean; poppy (flower); mouse (animal); bow (music)",
    "1girl, portrait": "close-up",
    "viking on a ship": "beard",
    "pirates, treasure": "coin; treasure chest",
    "abandoned factory": "rust; debris",
    "a girl on a beach": "straw hat",
}


def asked(text: str) -> AskedFor:
    found = AskedFor()
    for tag in text.split(", "):
        found.add(tag, is_tag=True)
    return found


@pytest.mark.parametrize(("text", "tags"), REFUSED.items())
def test_words_that_nothing_asks_for(text: str, tags: str) -> None:
    for tag in tags.split("; "):
        assert asked(text).refuses(tag), tag
        assert asked(text).refuses(tag.replace(" ", "_").upper()), tag
        assert AskedFor().refuses(tag), tag


@pytest.mark.parametrize(("text", "tags"), ALLOWED.items())
def test_words_that_the_prompt_asks_for(text: str, tags: str) -> None:
    for tag in tags.split("; "):
        assert not asked(text).refuses(tag), tag


def test_a_typed_style_word_asks_for_itself() -> None:
    for tag in ("heart", "white border", "alternate hairstyle", "2023", "heart-shaped box"):
        found = AskedFor()
        found.add(tag, is_tag=True)
        assert not found.refuses(tag)
