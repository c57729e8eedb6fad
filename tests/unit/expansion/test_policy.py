"""Refusals of tags and sentences that do not fit the prompt."""

from __future__ import annotations

import pytest

from tipo_core.expansion.policy import (
    CONTRADICTS,
    NO_PERSON,
    NOT_ASKED,
    OTHER_SEX,
    REPEATED,
    TagPolicy,
    banned_counts,
)
from tipo_core.expansion.tasks import Field
from tipo_core.prompt import Bans


def policy(tags: str = "", caption: str = "", bans: str = "") -> TagPolicy:
    typed = [tag for tag in tags.split(", ") if tag]
    return TagPolicy(typed, {Field.LONG: caption}, bans=Bans.parse(bans))


@pytest.mark.parametrize(
    ("tags", "added", "reason"),
    [
        ("1girl, black hair", "blonde hair", CONTRADICTS),
        ("1girl, black hair", "hair ribbon", None),
        ("2girls, black hair", "blonde hair", None),
        ("1girl, 1boy, black hair", "blonde hair", None),
        ("1girl, solo, black hair", "red_hair", CONTRADICTS),
        ("1girl, multicolored hair, black hair", "red hair", None),
        ("night", "blue sky", CONTRADICTS),
        ("night, blue sky", "sunset", None),
        ("(night:1.2)", "blue sky", CONTRADICTS),
        ("city street", "white background", CONTRADICTS),
        ("cat, window", "shirt", NO_PERSON),
        ("cat, window", "1girl", NO_PERSON),
        ("cat, window", "looking at viewer", None),
        ("cat, window", "whiskers", None),
        ("cat, window", "closed eyes", None),
        ("cat, window", "long hair", NO_PERSON),
        ("landscape, mountains", "looking at viewer", NO_PERSON),
        ("landscape, mountains", "smile", NO_PERSON),
        ("landscape, mountains", "cloud", None),
        ("landscape, mountains", "no humans", None),
        ("no humans, spaceship", "holding sword", NO_PERSON),
        ("red hair, freckles", "shirt", None),
        ("red hair, freckles", "1girl", None),
        ("1boy, hoodie", "skirt", OTHER_SEX),
        ("1boy, hoodie", "twintails", OTHER_SEX),
        ("1boy, hoodie", "jacket", None),
        ("1boy, 1girl", "skirt", None),
        ("1girl", "beard", OTHER_SEX),
        ("penguin, iceberg", "monochrome", NOT_ASKED),
        ("penguin, iceberg", "heart", NOT_ASKED),
        ("penguin, iceberg", "ocean", None),
        ("1girl, knight", "sword", None),
        ("1girl, school uniform", "sword", NOT_ASKED),
        ("", "monochrome", None),
        ("", "1girl", None),
    ],
)
def test_tags_beside_tags(tags: str, added: str, reason: str | None) -> None:
    user = policy(", ".join(tag.strip("()").split(":")[0] for tag in tags.split(", ")))
    assert user.refuse(Field.TAG, added) == reason


@pytest.mark.parametrize(
    ("caption", "added", "reason"),
    [
        ("a woman in a red dress", "2girls", CONTRADICTS),
        ("a woman in a red dress", "1boy", CONTRADICTS),
        ("a woman in a red dress", "1girl", None),
        ("a woman in a red dress", "no humans", CONTRADICTS),
        ("a woman in a red dress", "white dress", CONTRADICTS),
        ("two old men playing chess", "solo", CONTRADICTS),
        ("two old men playing chess", "2boys", None),
        ("two old men playing chess", "skirt", OTHER_SEX),
        ("a couple kissing under an umbrella", "1girl", None),
        ("a couple kissing under an umbrella", "3girls", CONTRADICTS),
        ("a family having a picnic", "2girls", None),
        ("a knight on a horse", "1girl", None),
        ("a knight on a horse", "2girls", CONTRADICTS),
        ("an owl on a branch at night", "sunlight", CONTRADICTS),
        ("an owl on a branch at night", "dress", NO_PERSON),
        ("a steampunk airship", "sitting", NO_PERSON),
    ],
)
def test_tags_beside_a_caption(caption: str, added: str, reason: str | None) -> None:
    assert policy(caption=caption).refuse(Field.TAG, added) == reason


@pytest.mark.parametrize(
    ("tags", "sentence", "reason"),
    [
        ("1girl, red eyes", "She has blue eyes.", CONTRADICTS),
        ("1girl, night", "It is a sunny day.", CONTRADICTS),
        ("1girl, solo", "A man stands beside her.", CONTRADICTS),
        ("1girl", "Two girls walk in the rain.", CONTRADICTS),
        ("1girl", "A young woman walks in the rain.", None),
        ("1boy", "He wears a suit and a suit.", REPEATED),
        ("1boy", "It gets colder and colder.", None),
        ("cat, window", "A girl looks at the cat.", NO_PERSON),
        ("cat, window", "The cat licks her paw.", None),
        ("2girls, 1boy", "A man and a woman walk.", None),
    ],
)
def test_sentences_beside_tags(tags: str, sentence: str, reason: str | None) -> None:
    assert policy(tags).refuse(Field.LONG, sentence) == reason


def test_additions_count_as_well() -> None:
    user = policy("1girl")
    user.accept(Field.TAG, "black hair")
    assert user.refuse(Field.TAG, "blonde hair") == CONTRADICTS
    user = policy("red hair")
    user.accept(Field.TAG, "2girls")
    assert user.refuse(Field.TAG, "black hair") is None


def test_own_reasons_are_not_counted_as_bans() -> None:
    reasons = (CONTRADICTS, NO_PERSON, NOT_ASKED, OTHER_SEX, REPEATED)
    assert banned_counts({**dict.fromkeys(reasons, 1), "hat": 2}) == {"hat": 2}


def test_a_ban_is_named_before_another_reason() -> None:
    assert policy("cat", bans="heart").refuse(Field.TAG, "heart") == "heart"


def test_unasked_tags_are_refused() -> None:
    user = policy("1boy, knight, forest")
    unasked = user.unasked_tags()
    assert "monochrome" in unasked and "sword" not in unasked
    assert all(user.refuse(Field.TAG, tag) is not None for tag in unasked if tag.strip())
    assert policy().unasked_tags() == frozenset()
