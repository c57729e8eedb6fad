"""Drawings: the same seed gives the same drawing; prompts describe it."""

from __future__ import annotations

import json
from importlib.resources import files
from itertools import product

import numpy as np
import pytest

from lab.toy_sd.drawings import drawings
from lab.toy_sd.drawings.drawings import Scene
from lab.toy_sd.drawings.styles import FILES, STYLES, Style

SCENE_0 = "planet, cracked, one moon, no ring"


def coloured(picture: np.ndarray, code: str) -> float:
    """Return the share of pixels that are nearly of a colour."""
    colour = np.array([int(code[n : n + 2], 16) for n in (1, 3, 5)])
    return float((np.abs(picture.astype(int) - colour).max(axis=2) <= 3).mean())


def test_all_follows_from_the_seed() -> None:
    one, two = (drawings.draw(5, 32, ["critter"]) for _ in range(2))
    assert (one.scene, one.tags, one.caption) == (two.scene, two.tags, two.caption)
    assert np.array_equal(one.picture, two.picture)
    assert one.picture.shape == (32, 32, 3) and one.picture.dtype == np.uint8
    assert drawings.draw(6, 32, ["critter"]).tags != one.tags


def test_scene_of_a_seed_stays_what_it_is() -> None:
    # Weights are made again from seeds: a change here is a change of the training set.
    assert drawings.tag_prompt(drawings.scene(0)).text == SCENE_0


@pytest.mark.parametrize("style", STYLES.values(), ids=list(STYLES))
def test_held_out_pairs_are_few_and_leave_each_choice_partners(style: Style) -> None:
    one, two = (style.part(name) for name in style.crossed)
    pairs = list(product(one.choices, two.choices))
    kept = [
        pair
        for pair in pairs
        if drawings.held_out(style, dict(zip(style.crossed, pair, strict=True)))
    ]
    assert 0.09 < len(kept) / len(pairs) < 0.17
    for position, other in ((0, two), (1, one)):
        words = [pair[position] for pair in kept]
        assert max(map(words.count, words)) <= 0.4 * len(other.choices)


def test_training_never_sees_what_is_held_out() -> None:
    for seed in range(150):
        for test in (False, True):
            of = drawings.scene(seed, test=test)
            assert drawings.held_out(STYLES[of.style], of.attributes) == test


@pytest.mark.parametrize("style", STYLES.values(), ids=list(STYLES))
def test_tags_name_parts_of_the_scene_and_nothing_else(style: Style) -> None:
    for seed in range(20):
        of = drawings.scene(seed, [style.name])
        prompt = drawings.tag_prompt(of, seed)
        first, *tags = prompt.text.split(", ")
        assert first == style.name
        named = [style.part(name).tag.format(of.attributes[name]) for name in prompt.named]
        assert tags == named and len(set(prompt.named)) == len(named) >= 1


def test_seeds_name_other_parts_in_other_orders() -> None:
    of = drawings.scene(1, ["critter"])
    prompts = {drawings.tag_prompt(of, seed).named for seed in range(20)}
    assert len(prompts) > 10
    assert len(drawings.tag_prompt(of, all_parts=True).named) == len(STYLES["critter"].parts)


@pytest.mark.parametrize(
    ("style", "attributes", "words"),
    [
        (
            "planet",
            {"colour": "orange", "surface": "smooth", "ring": "wide ring", "moons": "two moons"},
            ["smooth", "orange", "planet with", "a wide ring", "two moons"],
        ),
        (
            "potted plant",
            {"plant": "grass", "colour": "orange", "shape": "round", "eyes": "wink",
             "mouth": "smile", "background": "blue"},
            ["a round potted plant with", "an orange pot", "a wink", "a smile", "grass"],
        ),
    ],
)  # fmt: skip
def test_caption_is_a_sentence(style: str, attributes: dict[str, str], words: list[str]) -> None:
    text = drawings.caption_prompt(Scene(style, attributes, 3), all_parts=True).text
    assert all(word in text for word in words)
    assert "a grass" not in text and "a two" not in text and "a orange" not in text
    assert text.count(" and ") == 1


def test_mixed_prompts_are_tags_captions_or_both_with_words_that_say_nothing() -> None:
    prompts = [drawings.mixed_prompt(drawings.scene(n, ["planet"]), n) for n in range(300)]
    tags = [one for one in prompts if one.text.startswith("planet, ")]
    both = [one for one in tags if "\n\n" in one.text]
    filled = [one for one in tags if any(f", {word}" in one.text for word in drawings.FILLERS)]
    assert 190 < len(tags) < 260 and 70 < len(both) < 140 and 60 < len(filled) < 140
    for one, number in zip(prompts, range(300), strict=True):
        of = drawings.scene(number, ["planet"])
        for name in one.named:
            assert of.attributes[name] in one.text
    assert len({one.text for one in prompts}) > 290


def test_picture_has_the_colours_that_the_scene_names() -> None:
    critter = {"colour": "green", "body": "square", "top": "crown", "eyes": "one eye",
               "mouth": "smile", "background": "purple"}  # fmt: skip
    seen = drawings.picture(Scene("critter", critter, 1), 64)
    assert coloured(seen, "#6d28d9") > 0.3 and coloured(seen, "#86d957") > 0.2
    seen = drawings.picture(Scene("critter", {**critter, "colour": "red"}, 1), 64)
    assert coloured(seen, "#86d957") == 0 and coloured(seen, "#f87171") > 0.2


@pytest.mark.parametrize("style", STYLES.values(), ids=list(STYLES))
def test_options_are_those_of_the_style_and_it_is_cc0(style: Style) -> None:
    # dicebear-core takes an option that it does not know without a word.
    text = files("dicebear_styles").joinpath(f"{FILES[style.name]}.json").read_text("utf-8")
    definition = json.loads(text)
    assert definition["meta"]["license"]["name"] == "CC0 1.0"
    known = {f"{name}Color": None for name in definition["colors"]}
    for name, component in definition["components"].items():
        known |= {f"{name}Variant": set(component.get("variants", ())), f"{name}Probability": None}
    choices = [options for part in style.parts for options in part.choices.values()]
    for option, value in (item for options in (style.fixed, *choices) for item in options.items()):
        assert option in known
        assert known[option] is None or value in known[option]


def test_each_choice_changes_the_picture() -> None:
    style = STYLES["critter"]
    first = {part.name: next(iter(part.choices)) for part in style.parts}
    for part in style.parts:
        scenes = [Scene(style.name, {**first, part.name: word}, 2) for word in part.choices]
        assert len({drawings.picture(of, 32).tobytes() for of in scenes}) == len(scenes)


def test_without_the_packages_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "resvg_py", None)
    with pytest.raises(ImportError, match="pip install dicebear-core dicebear-styles resvg-py"):
        drawings.draw(1, 16)
