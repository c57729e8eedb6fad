"""Captions of scenes for training: a subject of the pair table and what goes with it."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tipo_core.expansion.caption_rules.noun_phrases import bare, is_plural
from tipo_core.expansion.caption_rules.places import ADVERBIALS, NO_PLACES, WIDE_KINDS, kind
from tipo_core.expansion.caption_rules.scene_captions import more_sentences, opening_sentence

from .sample_subject import Subject

# Kinds of tags that may be the subject of a picture without persons, the first ones before others.
_SUBJECT_KINDS = ("animal", "thing", "food", "plant", "place", "nature", "weather")


def main_subject(tags: Sequence[str], typed: int) -> str:
    """Return the subject of a picture without persons, from the first `typed` tags, or ""."""
    for wanted in _SUBJECT_KINDS:
        for tag in tags[:typed]:
            if kind(tag) == wanted and tag not in NO_PLACES and tag not in ADVERBIALS:
                return tag
    return ""


def write_scene(subject: Subject, typed: int, most: int, rng: random.Random) -> list[str]:
    """Return up to `most` sentences about a picture without persons.

    The first `typed` tags are the request's. The caption ends where the tags say nothing more.
    """
    tags = subject.tags
    name = main_subject(tags, typed)
    if not name:
        return []
    sentences: list[str] = []
    for _ in range(8):
        opening = opening_sentence(name, [tag for tag in tags if tag != name], rng)
        if len(opening.split()) > len(name.split()) + 1 and subject.fits(opening):
            subject.take(opening)
            sentences.append(opening)
            break
    if not sentences:
        return []
    the = f"the {bare(name)}"
    sentences += more_sentences(
        subject, the, sentences, most - 1, rng,
        is_wide=kind(name) in WIDE_KINDS, is_plural=is_plural(name),
    )  # fmt: skip
    return sentences
