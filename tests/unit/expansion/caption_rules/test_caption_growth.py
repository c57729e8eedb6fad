"""Captions by rules: they name the tags, and nothing else."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import tipo_core
from tipo_core.expansion.caption_rules.noun_phrases import plural_verb
from tipo_core.expansion.caption_rules.typed_things import subject_of, typed_things
from tipo_core.expansion.expand import expand
from tipo_core.expansion.request import Expansion, ExpansionRequest
from tipo_core.expansion.tasks import Length

from ..scripted import Scripted


class Shipped(Scripted):
    """A scripted model that has the pair table, as tipo-nano has."""

    uses_pair_prior = True


def free_words() -> set[str]:
    """Return the words of the sentence table that are no tags of it: verbs, adjectives, `the`."""
    path = Path(tipo_core.__file__).parent / "assets/slots/sentences.txt"
    lines = [line for line in path.read_text("utf-8").splitlines() if line[:1] not in "#["]
    rows = [line.split(":", 1) for line in lines if ":" in line]
    named = {tag.split()[-1] for tag, _ in rows}
    words = set(re.findall("[a-z]+", " ".join(text for _, text in rows).lower()))
    return {word for word in words if named.isdisjoint(forms_of(word))} | _CLAUSES


def forms_of(word: str) -> set[str]:
    """Return a word as it stands and as the singular of a plural."""
    return {word, word.removesuffix("s"), word.removesuffix("es"), f"{word.removesuffix('ves')}f"}


# Words of first sentences.
_CLAUSES = frozenset("an at under sit stand rest sits with and near ground".split())


def drawn(
    tags: str = "",
    caption: str = "",
    length: Length = Length.SHORT,
    tag_length: Length | None = Length.SHORT,
    answers: list[str] | None = None,
    *,
    seed: int = 1,
    at_least: bool = False,
) -> tuple[Expansion, Shipped]:
    model = Shipped(answers or [])
    request = ExpansionRequest(
        tags, caption, tag_length=tag_length, caption_length=length, seed=seed, at_least=at_least
    )
    return expand(model, request)[0], model


SCENES = [
    ("penguins, iceberg", ""),
    ("no humans, fox, snow", ""),
    ("autumn forest, path, fog", ""),
    ("", "a lighthouse on a cliff in a storm"),
    ("", "two beat-up baseballs on either side of a yellow basketball"),
    ("", "a bowl of ramen on a wooden table"),
]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("tags", "caption"), SCENES)
def test_a_scene_needs_no_model_and_names_only_its_tags(tags: str, caption: str, seed: int) -> None:
    found, model = drawn(tags, caption, seed=seed)
    assert model.prompts == [] and found.added_caption
    said = " ".join((tags, caption, *found.added_tags)).lower()
    known = {word.strip(".,()") for word in said.split()} | free_words()
    for word in re.findall("[a-z]+", found.added_caption.lower()):
        assert not known.isdisjoint(forms_of(word)), (word, found.added_caption)


@pytest.mark.parametrize("seed", range(6))
def test_a_caption_of_tags_begins_with_their_subject(seed: int) -> None:
    found, _ = drawn("penguins, iceberg", seed=seed)
    assert found.added_caption.startswith("Penguins ")
    assert not re.search(r"\b[Aa]n? penguins", found.added_caption)


@pytest.mark.parametrize("seed", range(6))
def test_a_caption_of_the_user_stays_and_its_subject_keeps_its_place(seed: int) -> None:
    typed = "a dog in front of a desk"
    found, _ = drawn(caption=typed, seed=seed)
    assert found.caption.startswith(typed + ". ")
    assert not re.search(r"The dog (?:stands|rests|sits|lies|is) (?:on|in|by|at)", found.caption)


@pytest.mark.parametrize("seed", range(6))
def test_a_blizzard_that_is_added_is_not_calm_either(seed: int) -> None:
    found, _ = drawn("penguins, iceberg", seed=seed, length=Length.LONG)
    if "blizzard" in found.added_tags:
        assert not re.search(r"\b(?:calm|quiet|clear|bright)\b", found.added_caption)


@pytest.mark.parametrize(
    ("tags", "caption", "unfit"),
    [
        ("", "a red apple and a yellow pear", r"\bground\b|The red apple rests on a branch"),
        (
            "",
            "a kitten plays, playing with a ball of yarn",
            r"The kitten (?:rests|sits|stands|lies)",
        ),
        ("", "a squirrel in a forest", "(?:covers?|climb over|cling to) the squirrel"),
        ("", "a chair", "The chair rests on a (?:cushion|blanket)"),
        ("", "a soap on a marble countertop", r"\btable\b"),
        ("spaceship, space, planet", "", "It is night"),
        ("snowy village at night, hill", "", "[Gg]reen hills"),
        ("city", "", "A city with an? window"),
        ("cat, tokyo", "", "an? tokyo|in a "),
        ("1girl, 1boy, wedding, veil, long hair", "", "veils|long hair"),
        ("two cats, garden", "", "^Cats|Cats "),
        ("wolf, forest", "", "on a branch|covers the wol"),
        ("1girl, holding hands, beach", "", r"\bhold hands"),
        ("car, on roof", "", "an on"),
        ("no humans, tokyo, skyscraper, night", "", "an? tokyo|an? cityscape"),
        ("eagle, flying, mountain, sky", "", "[Ee]agle (?:rests|sits|stands)"),
        ("", "a bottle on a shelf in a bathroom", "grows? around"),
        ("", "red and yellow balloons hanging from a ceiling fan", "balloons is"),
    ],
)
def test_a_sentence_says_nothing_that_the_prompt_rules_out(
    tags: str, caption: str, unfit: str
) -> None:
    texts = [drawn(tags, caption, seed=seed)[0].added_caption for seed in range(10)]
    assert any(texts) and not any(re.search(unfit, text) for text in texts), texts


def test_a_held_cup_stands_on_no_saucer() -> None:
    answers = ["holding cup, smile, scarf, sitting, looking at viewer"]
    for seed in range(8):
        found, _ = drawn(caption="a man drinking coffee in a cafe", answers=answers, seed=seed)
        assert "holding cup" not in found.added_tags or "cup stands" not in found.added_caption


def test_all_animals_of_the_user_are_named() -> None:
    texts = [drawn("puppy, kitten", seed=seed)[0].added_caption for seed in range(6)]
    assert all(text.startswith("A puppy and a kitten ") for text in texts), texts
    assert drawn("two cats, garden")[0].added_caption.startswith("Two cats ")


def test_a_note_in_parentheses_is_no_part_of_the_subject() -> None:
    texts = [drawn("bat (animal), night sky", seed=seed)[0].added_caption for seed in range(6)]
    assert any(text.startswith("A bat ") for text in texts), texts


def test_a_picture_on_a_plain_background_has_no_scene() -> None:
    assert drawn(caption="a red apple on a white background")[0].added_caption == ""


@pytest.mark.parametrize("seed", range(6))
def test_a_person_on_a_plain_background_has_a_caption_without_a_scene(seed: int) -> None:
    answers = ["smile, looking at viewer, short hair, shirt, sunlight, hat"]
    found, _ = drawn("1girl, red hair, white background", answers=answers, seed=seed)
    assert found.added_caption and "unlight" not in found.added_caption


def test_an_unknown_subject_is_no_person() -> None:
    for tags in ("abstract", "<lora:penguin:1>", "zorbl"):
        found, _ = drawn(tags, answers=["shirt, jacket, smile, looking at viewer"])
        assert not found.added_caption.startswith(("They", "A person")), found


def test_a_region_before_an_and_gives_no_subject() -> None:
    texts = [drawn("forest AND city", seed=seed)[0].added_caption for seed in range(6)]
    assert not any("forest" in text for text in texts), texts


@pytest.mark.parametrize("unit", ["cat ", "a cat sits on a chair near a window. ", "a cat AND "])
def test_the_time_of_a_caption_is_linear(unit: str) -> None:
    def operations(count: int) -> int:
        done = 0

        def count_one(frame: object, event: str, argument: object) -> None:
            nonlocal done
            done += event in ("call", "c_call")

        sys.setprofile(count_one)
        try:
            typed_things([unit * count])
        finally:
            sys.setprofile(None)
        return done

    assert operations(8_000) < 3 * operations(4_000) + 10_000


@pytest.mark.parametrize("seed", range(6))
def test_a_storm_is_not_calm_and_a_cloudy_sky_is_not_clear(seed: int) -> None:
    found, _ = drawn(caption="a ship in a storm on the ocean under dark clouds", seed=seed)
    assert not re.search(r"\b(?:calm|quiet|clear|bright|lone|empty)\b", found.added_caption)


@pytest.mark.parametrize(
    ("tags", "caption", "start"),
    [
        ("1girl, red hair, library, reading", "", "A "),
        ("", "a bearded man drinking coffee in a cafe", "He "),
        ("", "two old men playing chess", "They "),
    ],
)
def test_persons_have_their_pronoun(tags: str, caption: str, start: str) -> None:
    answers = ["smile, looking at viewer, short hair, shirt, sitting"] * 3
    found, model = drawn(tags, caption, answers=answers)
    assert found.added_caption.startswith(start)
    assert len(model.prompts) >= 1  # for the tags
    assert all(not prompt.endswith("long:") for prompt in model.prompts)


def test_persons_without_a_first_sentence_are_those_of_the_tags() -> None:
    found, _ = drawn("two knights fighting", answers=["armor, helmet, serious, cape, shield,"])
    assert found.added_caption.startswith("They ") and "helmets" in found.added_caption


def test_a_landscape_has_a_first_sentence_about_its_scene() -> None:
    texts = [
        drawn("landscape", tag_length=length)[0].added_caption for length in (None, Length.SHORT)
    ]
    assert all(re.match(r"(?:An?|The) |[A-Z]\w+s ", text) for text in texts), texts
    assert not any(re.search("tree (?:with|among) trees", text) for text in texts)


@pytest.mark.parametrize(
    ("one", "several"),
    [
        ("carries a bag", "carry a bag"),
        ("crosses {her} arms", "cross {her} arms"),
        ("watches", "watch"),
        ("fishes", "fish"),
        ("lies down", "lie down"),
        ("flies", "fly"),
        ("poses", "pose"),
        ("is", "are"),
        ("has long hair", "have long hair"),
        ("kiss", "kiss"),
    ],
)
def test_verbs_have_a_plural(one: str, several: str) -> None:
    assert plural_verb(one) == several


def test_one_person_of_an_open_sex_wears_one_hat() -> None:
    found, _ = drawn(caption="a portrait of a knight", answers=["helmet, gauntlets, smile, cape"])
    assert "The knight " in found.added_caption
    assert not re.search(r"helmets|capes|\b(?:have|wear|He|She|They)\b", found.added_caption)


def test_a_verb_is_no_subject() -> None:
    for caption in ("a steam train crosses a viaduct", "A nun rings the bell of a chapel"):
        for seed in range(6):
            found, _ = drawn(caption=caption, seed=seed, answers=["smile, veil, robe, standing"])
            assert not re.search("the (?:crosses|rings)", found.added_caption)
            assert "religious" not in found.added_tags


@pytest.mark.parametrize(
    ("tags", "noun"),
    [
        ("grandmother knitting by the fireplace", "woman"),
        ("a portrait of a man without beard", "man"),
        ("a little girl with a kite", "girl"),
        ("1girl, library", "girl|woman"),
    ],
)
def test_grown_persons_are_no_girls_and_boys(tags: str, noun: str) -> None:
    for seed in range(8):
        answers = ["cardigan, smile, looking at viewer, short hair, sitting"]
        found, _ = drawn(tags, seed=seed, answers=answers)
        first = found.added_caption.partition(".")[0]
        assert re.search(rf"\b(?:{noun})\b", first) or not re.search("girl|boy|man", first), first


def test_what_a_person_carries_is_not_worn() -> None:
    answers = ["backpack, shirt, smile, looking at viewer, walking"]
    texts = [
        drawn(caption="a girl on a street", answers=answers, length=Length.LONG, seed=seed)[
            0
        ].added_caption
        for seed in range(8)
    ]
    assert any("carries a backpack" in text for text in texts)
    assert not any("wears a backpack" in text or "wearing a backpack" in text for text in texts)


def test_at_least_is_reached_by_the_model() -> None:
    answers = [f"The watch is {word}." for word in "red old big cold new dark gold fine".split()]
    found, model = drawn(
        caption="a pocket watch",
        length=Length.VERY_LONG,
        tag_length=None,
        answers=answers,
        at_least=True,
    )
    assert any(prompt.split("\n")[-1].startswith("long:") for prompt in model.prompts)
    assert found.caption.count(".") >= Length.VERY_LONG.sentences.least
    assert "The watch is old." in found.added_caption


def test_a_caption_without_tags_says_what_goes_with_the_prompt() -> None:
    found, model = drawn(caption="a cat on a windowsill", tag_length=None)
    assert found.added_tags == () and found.added_caption and model.prompts == []


def test_a_prompt_that_nothing_is_known_of_is_left_to_the_model() -> None:
    found, model = drawn("zorbl", tag_length=None, answers=["Zorbl."])
    assert len(model.prompts) >= 1 and found.caption != "zorbl"


def test_the_caption_says_the_subject_before_the_tags_do() -> None:
    text = "A gothic church lit by the full moon"
    texts = [drawn("epic clouds, fire", text, seed=seed)[0].added_caption for seed in range(8)]
    assert sum("the gothic church" in one for one in texts) >= 3
    assert not any("above the fire" in one or "around the fire" in one for one in texts)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("a whale underwater", "whale"),
        ("penguins on an iceberg", "penguins"),
        ("snowy village at night", "village"),
        ("cyberpunk street market, rain", "market"),
        ("a bowl of ramen", "bowl"),
        ("a profile picture", ""),
        ("a photo of a bus below a toothbrush", "bus"),
        ("encaustic paint of a bowl, well defined", "bowl"),
        ("Tokyo at night", ""),
        ("a walk with Robin Hood", ""),
        ("", ""),
    ],
)
def test_the_subject_is_a_noun_of_the_user(text: str, subject: str) -> None:
    found = subject_of(typed_things([text]))
    assert ("" if found is None else found.words) == subject
