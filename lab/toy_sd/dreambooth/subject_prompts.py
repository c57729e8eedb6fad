"""Prompts of the measured pictures: the subject in new surroundings, and everything else.

No prompt of the subject has a top or a ground in the combination of a training picture. A row
depends on its number alone, so that all arms draw the same prompts from the same noise.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..drawings.drawings import Prompt, Scene, phrase_with_article
from ..drawings.example_critter import SUBJECT, example_scenes
from ..drawings.styles import CRITTER, STYLES
from ..report.accuracy_rows import CAPTION, TAGS, Asked, asked

TOKEN = "sks"
CLASS = "critter"
SUBJECT_SET, CLASS_SET = "subject", "class"
_FIRST_SEED = 8_000_000


@dataclass(frozen=True)
class PromptSet:
    """A set of rows by name; `count` of them are drawn."""

    name: str
    count: int

    def row(self, number: int) -> Asked:
        """Return the prompt of a row."""
        if self.name == SUBJECT_SET:
            return subject_row(number)
        if self.name == CLASS_SET:
            return class_row(number)
        return asked(number, [self.name])


def prompt_sets(subject: int, others: int, of_class: int) -> tuple[PromptSet, ...]:
    """Return the sets: the subject, the class's own word, and each of the four styles."""
    styles = (PromptSet(name, others) for name in STYLES)
    return (PromptSet(SUBJECT_SET, subject), PromptSet(CLASS_SET, of_class), *styles)


def new_surroundings() -> list[tuple[str, str]]:
    """Return all pairs of a top and a ground that no training picture shows."""
    trained = {(one.attributes["top"], one.attributes["background"]) for one in example_scenes()}
    tops, grounds = (list(CRITTER.part(name).choices) for name in ("top", "background"))
    return [(top, ground) for top in tops for ground in grounds if (top, ground) not in trained]


def subject_row(number: int) -> Asked:
    """Return a prompt of the subject: half name a top and a ground, a quarter each one of them."""
    return _row(number, f"{TOKEN} {CLASS}", ("top", "background"), ("top",), tuple(SUBJECT))


def class_row(number: int) -> Asked:
    """Return a prompt of the class without the token: it asks for any critter, not the subject.

    The row's scene has the subject's parts: a row without a wrong one shows the subject.
    """
    return _row(number, CLASS, ("background",), (), tuple(SUBJECT))


def is_subject(wrong: tuple[str, ...]) -> bool:
    """Return whether all parts that make the subject are right."""
    return not set(wrong) & set(SUBJECT)


def _row(
    number: int,
    noun: str,
    most: tuple[str, ...],
    alone: tuple[str, ...],
    extra: tuple[str, ...],
) -> Asked:
    rng = random.Random(f"toy-sd {noun} {number}")
    surroundings = new_surroundings()
    # A shuffled list, so that the first rows differ in both.
    random.Random(f"toy-sd {noun}").shuffle(surroundings)
    top, ground = surroundings[number % len(surroundings)]
    words = {"top": top, "background": ground}
    kinds = (most, most, most[-1:], alone or most)
    parts = kinds[number % len(kinds)]
    wording = CAPTION if rng.random() < 0.5 else TAGS
    text = (_sentence if wording == CAPTION else _tags)(noun, {name: words[name] for name in parts})
    scene = Scene(CLASS, MappingProxyType({**words, **SUBJECT}), _FIRST_SEED + number)
    return Asked(scene, wording, Prompt(text, (*parts, *extra)), scene, _FIRST_SEED + number)


def _tags(noun: str, words: Mapping[str, str]) -> str:
    tags = [CRITTER.part(name).tag.format(word) for name, word in words.items()]
    return ", ".join((noun, *tags))


def _sentence(noun: str, words: Mapping[str, str]) -> str:
    parts = [phrase_with_article(CRITTER.part(name).phrase, word) for name, word in words.items()]
    return f"a {noun} with {' and '.join(parts)}"
