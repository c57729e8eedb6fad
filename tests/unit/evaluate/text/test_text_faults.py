"""Each fault in answers written by hand: one that has it, one that has not, one where it cannot be.

None means that the fault does not apply to the answer, so that no share counts it.
"""

from __future__ import annotations

import pytest

from tipo_core.evaluate.text.answers import ExpandedText
from tipo_core.evaluate.text.text_faults import FAULTS, faults_of, faulty_tags

from .hand_made import answer

FOX = "no humans, fox, snow"
KNIGHT = "1boy, knight, armor"
TAGS = "forest, night, tree, outdoors"

CASES = [
    # fillers, and the same words where the request asks for them
    ("filler", answer(FOX, "monochrome, heart, tree"), ["monochrome", "heart"]),
    ("filler", answer(FOX, TAGS), []),
    ("filler", answer(KNIGHT, "sword, shield, castle, cape"), []),
    ("filler", answer("a bowl of ramen on a table", "chopsticks, egg, food, cup"), []),
    # contradictions of an added tag with the request, and of two added tags
    ("contradiction", answer("1girl, red hair", "blue hair, smile"), ["hair colour: blue hair"]),
    ("contradiction", answer("1girl, hat", "red eyes, blue eyes"), ["eye colour: blue eyes"]),
    ("contradiction", answer("1girl, closed eyes", "blue eyes"), ["eyes: blue eyes"]),
    ("contradiction", answer("village, night", "snow, day, cloud"), ["time of day: day"]),
    ("contradiction", answer("a cat, indoors", "forest, window"), ["place: forest"]),
    ("contradiction", answer("1girl, forest", "white background"), ["plain background: white bac"]),
    ("contradiction", answer("1girl, solo", "2girls, hat"), ["person count: 2girls"]),
    ("contradiction", answer("no humans, lake", "1girl, boat"), ["person count: 1girl"]),
    ("contradiction", answer("2girls", "red hair, blue hair, beach"), []),
    ("contradiction", answer("1girl, multicolored hair", "red hair, blue hair"), []),
    ("contradiction", answer("a lake, night", "starry sky, moon, fog, reflection"), []),
    # the wrong tag fills no slot, so that it counts once
    (
        "contradiction",
        answer("1girl, red hair", "blue hair, red eyes, green eyes"),
        ["hair colour: blue hair", "eye colour: green eyes"],
    ),
    (
        "caption contradiction",
        answer("1girl, red eyes", "smile", "A girl with blue eyes smiles."),
        ["eye colour: A girl with blue eyes smiles."],
    ),
    ("caption contradiction", answer("1girl, red eyes", "smile", "A girl has red eyes."), []),
    ("caption contradiction", answer("1girl, red eyes", "smile"), None),
    # wear on animals, things and places
    ("human wear", answer(FOX, "hair flower, long sleeves, tree"), ["hair flower", "long sleeves"]),
    ("human wear", answer("a lighthouse by the sea", TAGS), []),
    ("human wear", answer("cat, window", "sitting, closed eyes, tail, curtains"), []),
    ("human wear", answer("1girl, hat", "long sleeves"), None),
    # persons in words, with and without a person tag for the model
    ("person missed", answer("an old woman in a garden", "flower, tree"), ["an old woman"]),
    ("person missed", answer("an old woman in a garden", model_tags="1girl, old"), []),
    ("person missed", answer("an old woman in a garden", "1girl, flower"), []),
    ("person missed", answer("an old woman in a garden", model_tags="1boy"), ["an old woman"]),
    ("person missed", answer("1girl, hat", "smile"), None),
    ("person missed", answer("a lighthouse by the sea"), None),
    # labels by hand win over the tables
    ("person missed", answer("Zorblax at home", persons=["1boy"]), ["Zorblax"]),
    ("person missed", answer("Zorblax at home", persons=["1boy"], model_tags="1boy"), []),
    ("person missed", answer("a scientist at work", persons=["1girl", "1boy"]), ["a scient"]),
    (
        "person missed",
        answer("a scientist at work", persons=["1girl", "1boy"], model_tags="solo"),
        [],
    ),
    ("human wear", answer("Zorblax at home", "hat", persons=[]), ["hat"]),
    ("person invented", answer("a lighthouse by the sea", model_tags="1girl"), ["1girl"]),
    ("person invented", answer("a lighthouse by the sea", "1boy, wave"), ["1boy"]),
    ("person invented", answer(FOX, "solo, snow", model_tags="no humans, fox, snow"), []),
    # girls' wear on men
    ("girls' wear", answer(KNIGHT, "dress, hair ribbon, cape"), ["dress", "hair ribbon"]),
    ("girls' wear", answer(KNIGHT, "cape, helmet, gloves"), []),
    ("girls' wear", answer("a bearded man in a cafe", "skirt, cup"), ["skirt"]),
    ("girls' wear", answer("1girl, 1boy", "dress"), None),
    ("girls' wear", answer("1girl, hat", "dress"), None),
    # toy words
    ("toy word", answer("a lake", "white ring sun, boat"), ["ring sun"]),
    ("toy word", answer("a lake", "boat", "A lake under a white sun."), ["white sun"]),
    ("toy word", answer("a lake", "sun, green hills"), []),
    ("toy word", answer("planet, thin ring", "two moons"), None),
    ("toy scene", answer("landscape, lake", "purple hills"), ["purple hills"]),
    ("toy scene", answer("a lake", "purple hills"), None),
    # lists
    ("short list", answer(FOX, "tree, forest, night"), ["tree", "forest", "night"]),
    ("short list", answer(FOX, TAGS), []),
    # captions; the seams have a file of their own
    ("something else", answer(FOX, TAGS, "A bus is parked near a shop."), ["A bus is"]),
    ("something else", answer(FOX, TAGS, "A fox near a tree at night."), []),
    ("something else", answer(FOX, TAGS), None),
    ("half word", answer("a horse is standing in a field", "", "s and a bird."), ["field s"]),
    ("half word", answer(FOX, TAGS, "A fox near a tree."), None),
    ("seam", answer("a horse is standing in a field", "", "s and a bird."), ["field s"]),
    ("seam", answer("a horse is standing in a field", "", ". A bird."), [". A b"]),
    ("seam", answer("a horse is standing in a field", "", "with a bird."), []),
    ("seam", answer(FOX, TAGS, ". A fox."), None),
    ("stray stop", answer("a horse is standing in a field", "", ". A bird."), [". A b"]),
]


@pytest.mark.parametrize(
    ("key", "given", "expected"),
    CASES,
    ids=[f"{key}-{given.request.text}-{len(given.added_tags)}" for key, given, _ in CASES],
)
def test_fault(key: str, given: ExpandedText, expected: list[str] | None) -> None:
    found = faults_of(given)
    assert found.keys() <= FAULTS.keys()
    if expected is None:
        assert key not in found
    else:
        assert len(found[key]) == len(expected), found[key]
        assert all(
            piece.startswith(start) for piece, start in zip(found[key], expected, strict=True)
        )


def test_every_fault_has_a_case_with_it_and_one_without() -> None:
    for key in FAULTS.keys() - {"stray stop", "half word", "toy scene"}:
        expected = [pieces for name, _, pieces in CASES if name == key]
        assert any(expected) and [] in expected, key


def test_words_of_faulty_tags_are_unknown_to_the_caption() -> None:
    one = answer("an owl on a branch at night", "heart, day, leaf", "A heart in the day.")
    found = faults_of(one)
    assert faulty_tags(found) == {"heart", "day"}
    assert "something else" in found
