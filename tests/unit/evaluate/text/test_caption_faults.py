"""Seams, and captions about something else, in captions written by hand."""

from __future__ import annotations

import pytest

from tipo_core.evaluate.text.answers import ExpandedText
from tipo_core.evaluate.text.caption_faults import (
    about_something_else,
    half_words,
    has_seam,
    stray_stops,
    unknown_words,
)
from tipo_core.evaluate.text.content_words import content_words, stem

from .hand_made import answer

PENGUINS = "two penguins are standing on an iceberg"


def seam(added: str, whole_after: str) -> ExpandedText:
    """Return an answer to a request of one sentence; the result has `whole_after` after it."""
    return answer(PENGUINS, "", added, whole=PENGUINS + whole_after)


@pytest.mark.parametrize(
    ("added", "after", "half"),
    [
        ("s with a drink.", "s with a drink.", True),
        ("ping vegetables.", "ping vegetables.", True),
        ("ly up in the sky.", " ly up in the sky.", True),
        ("with a red sky.", " with a red sky.", False),
        ("The sky is red.", ". The sky is red.", False),
        ("at sea.", " at sea.", False),
        ("zebras nearby.", " zebras nearby.", False),
        ("It is day.", ". It is day.", False),
    ],
)
def test_half_words(added: str, after: str, half: bool) -> None:
    one = seam(added, after)
    assert has_seam(one)
    assert bool(half_words(one)) is half


@pytest.mark.parametrize(
    ("added", "after", "stray"),
    [
        (".", ".", True),
        (". A bird is seen.", ". A bird is seen.", True),
        ("A bird is seen..", ". A bird is seen..", True),
        ("A bird , a cloud.", ". A bird , a cloud.", True),
        ("A bird is seen. . It is day.", ". A bird is seen. . It is day.", True),
        ("A bird is seen.", " . A bird is seen.", True),
        ("A bird is seen.", ",. A bird is seen.", True),
        ("A bird is seen. It is day.", ". A bird is seen. It is day.", False),
        ("with a bird, two clouds... and 4.5 stars.", " with a bird, two clouds...", False),
        ("A bird says: hello!", ". A bird says: hello!", False),
        ("A bird says hello?!", ". A bird says hello?!", False),
    ],
)
def test_stray_stops(added: str, after: str, stray: bool) -> None:
    assert bool(stray_stops(seam(added, after))) is stray


def test_a_caption_of_the_model_alone_has_no_seam() -> None:
    assert not has_seam(answer("1girl, hat", "smile", "A girl with a hat."))


@pytest.mark.parametrize(
    ("text", "tags", "caption", "else_"),
    [
        # nothing of the sentence is asked for or tagged
        ("no humans, windmill", "cloud", "A group of people skiing on a snowy hill.", True),
        ("no humans, windmill", "cloud", "A windmill under a cloud.", False),
        # the second sentence alone
        ("1girl, hat", "smile", "A girl with a hat. A bus on a busy road.", True),
        # words of person tags, plurals and endings
        ("2girls, holding hands", "beach", "Two women hold their hands at the beaches.", False),
        ("1boy, running", "park", "A man runs through the park.", False),
        ("a king on a throne", "crown", "The man has golden crowns.", False),
        # the subject is missing, only the time of day is right
        ("snowy village, night", "pillow", "A picture of a pillow at night.", True),
        ("snowy village, night", "lantern", "A village with lanterns.", False),
        # a continuation need not name the subject again
        ("a horse is standing in a field.", "trees", "with trees in the background.", False),
        # no Latin words to compare with
        ("一只橘猫趴在窗台上", "curtains", "There are curtains at the window.", False),
    ],
)
def test_captions_about_something_else(text: str, tags: str, caption: str, else_: bool) -> None:
    assert bool(about_something_else(answer(text, tags, caption))) is else_


def test_a_tag_that_is_a_fault_makes_no_word_known() -> None:
    one = answer("an owl is sitting on a branch.", "heart, sword", "There is a heart on a sword.")
    assert not about_something_else(one)
    assert about_something_else(one, {"heart", "sword"})
    assert unknown_words(one, {"heart"}) == (1, 2)


@pytest.mark.parametrize(
    "forms",
    [
        ("run", "runs", "running"),
        ("city", "cities"),
        ("beach", "beaches"),
        ("glass", "glasses"),
        ("play", "plays", "played", "playing"),
        ("smile", "smiles", "smiling", "smiled"),
        ("dress", "dresses"),
        ("tree", "trees"),
        ("horse", "horses"),
        ("box", "boxes"),
    ],
)
def test_forms_of_a_word_have_one_stem(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize(
    "pair", [("cat", "cut"), ("car", "card"), ("bus", "bush"), ("hat", "hair")]
)
def test_other_words_have_other_stems(pair: tuple[str, str]) -> None:
    assert stem(pair[0]) != stem(pair[1])


def test_words_of_the_frame_are_no_content() -> None:
    assert content_words("This is a picture of a small cat; one sees it at the top.") == ["cat"]
