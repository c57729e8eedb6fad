"""Whether a prompt is known to be about an animal, a thing or a place alone."""

from __future__ import annotations

import pytest

from tipo_core.expansion.expand import expand
from tipo_core.expansion.pair_prior.subject import is_of_another_language
from tipo_core.expansion.request import ExpansionRequest
from tipo_core.expansion.tasks import Length

from ..scripted import Scripted


def added(text: str, seed: int = 0, **request: object) -> tuple[str, ...]:
    """Return the tags that are added to a prompt without persons; no model is run."""
    is_caption = " " in text and "," not in text
    given = {"caption" if is_caption else "tags": text, "pair_prior": True, "seed": seed}
    values = {"tag_length": Length.SHORT, "caption_length": None, **given, **request}
    return expand(Scripted([]), ExpansionRequest(**values))[0].added_tags  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        *("lighthouse, storm", "a fox in the snow", "two elephants at a river", "castle, night"),
        *("a chair and a lamp", "a street without any people", "a bowl of soup on a table"),
    ],
)
def test_a_known_subject_is_without_persons(text: str) -> None:
    assert "no humans" in added(text)


@pytest.mark.parametrize(
    "text",
    [
        *("freedom", "Indescribabilities", "Heidelberg painted by Turner", "oil on canvas, foggy"),
        *("by Edward Hopper, soft lights", "Zorvek in an old mansion", "a foot on a brick"),
        *("the mountaineerist of the village", "film still from the movie Night Train, 1975"),
        *("una lámpara vieja junto al motor", "entropy of the ordinary"),
    ],
)
def test_where_a_person_may_be_meant_nothing_denies_it(text: str) -> None:
    for seed in range(4):
        assert not {"no humans", "still life", "animal focus"} & set(added(text, seed))


@pytest.mark.parametrize(
    "text",
    [
        *("freedom", "Indescribabilities", "Heidelberg painted by Turner", "literally 2 0 0 1"),
        *("octagon.", "quantum foam scan, 4k, HD", "una lámpara vieja junto al motor viejo"),
        *(
            "double exposure of hope, hope is infinite, 8 k resolution",
            "a cross-section of a liver",
        ),
    ],
)
def test_a_list_has_four_tags_where_the_evidence_ends(text: str) -> None:
    for seed in range(4):
        tags = added(text, seed)
        assert 4 <= len(tags) <= 9


def test_the_medium_and_the_mood_choose_what_fills_a_list() -> None:
    def found(text: str) -> set[str]:
        return {tag for seed in range(12) for tag in added(text, seed)}

    assert "brush stroke" in found("oil painting, infinity of thought")
    assert "film grain" in found("35mm photograph, infinity of thought")
    assert not {"brush stroke", "film grain"} & found("infinity of thought")
    assert "sunlight" in found("joy") and "sunlight" not in found("despair")
    assert "fog" in found("despair") and "fog" not in found("joy")
    assert len({added("joy", seed) for seed in range(12)}) > 6


def test_what_fills_a_list_obeys_bans_and_the_prompt() -> None:
    for seed in range(8):
        tags = added("joy", seed, bans="sunlight\nlens flare")
        assert not {"sunlight", "lens flare"} & set(tags)
        assert "depth of field" not in added("quantum foam, depth of field, photo", seed)
        assert not {"dark", "shadow and light"} & set(added("despair, high key lighting", seed))


def test_a_request_without_known_words_gets_no_things() -> None:
    things = {"bench", "vending machine", "lamp", "train", "engine", "poster (object)"}
    for seed in range(8):
        assert not things & set(added("una lámpara vieja junto al motor viejo de la casa", seed))


@pytest.mark.parametrize(
    ("text", "is_foreign"),
    [
        ("una lámpara vieja junto al motor viejo", True),
        ("ein alter Mann sitzt auf einer Bank", True),
        ("an old lamp beside the old engine", False),
        ("hatsune miku", False),
        ("一只橘猫趴在窗台上", False),
        ("", False),
    ],
)
def test_other_languages_in_latin_letters_are_noticed(text: str, is_foreign: bool) -> None:
    assert is_of_another_language(text) is is_foreign
