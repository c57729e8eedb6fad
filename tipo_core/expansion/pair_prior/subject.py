"""Whether a prompt is known to be about an animal, a thing or a place, and nobody else."""

from __future__ import annotations

from collections.abc import Iterable

from ...prompt.persons.person_table import person_table
from ...prompt.persons.unknown_names import is_foreign
from ...prompt.vocabulary.pairs import PairTable
from .evidence import SUBJECT, Evidence, find_matches, prompt_words

# Kinds of words that a picture without persons may be about.
_SUBJECTS = frozenset("thing animal plant food place nature".split())
_VIEWS = frozenset(("scenery", "landscape"))
_LEAST_WEIGHT = 0.5
_BODY_WORDS = frozenset(
    """arm arms leg legs foot feet hand hands finger fingers face faces head skin lip lips nose eye
    eyes knee knees shoulder shoulders chest torso muscle muscles body bodies skull skulls bone
    bones skeleton squeleton silhouette figure figures somebody film movie cosplay""".split()
)
# Endings of words for persons: `terrorist`, `mountaineer`, `swordsman`.
_DOERS = ("ist", "ists", "eer", "eers", "sman", "smen", "logian", "woman", "women", "smith")
_LEAST_DOER = 7  # letters; `mist` and `wrist` are no persons
_MOST_WORDS = 400


def is_without_persons(texts: Iterable[str], evidence: Evidence, table: PairTable) -> bool:
    """Return whether the subject of a prompt is known, and no word may be a person's.

    `texts` are the user's tags in one text, and the captions. An unknown word before the subject
    may be a name, and a part of the body may be a person's unless an animal is there.
    """
    kinds = {table.kind(found.entry) for found in evidence.found}
    if evidence.mentions_person:
        return False
    subjects = {
        found.entry
        for found in evidence.found
        if found.role == SUBJECT
        and found.weight >= _LEAST_WEIGHT
        and (table.kind(found.entry) in _SUBJECTS or table.names[found.entry] in _VIEWS)
    }
    is_known = False
    for text in texts:
        words = prompt_words(text)[:_MOST_WORDS]
        if "animal" not in kinds and not _BODY_WORDS.isdisjoint(words):
            return False
        matches = find_matches(words, table)
        place = 0
        for match in matches:
            if not is_known and any(_may_be_person(word) for word in words[place : match.start]):
                return False
            is_known |= match.entry in subjects
            place = match.end
        if not is_known and any(_may_be_person(word) for word in words[place:]):
            return False
        if any(_is_doer(word, table) for word in words):
            return False
    return is_known


def is_of_another_language(text: str) -> bool:
    """Return whether a text in Latin letters is no English: its words mean something else."""
    words = prompt_words(text)
    return all(ord(char) < 0x2E80 for char in text) and is_foreign(words)


def _may_be_person(word: str) -> bool:
    """Return whether a word may be a name."""
    return len(word) > 2 and person_table().is_rare(word)


def _is_doer(word: str, table: PairTable) -> bool:
    """Return whether a word has the ending of a word for persons and no meaning of its own."""
    return len(word) >= _LEAST_DOER and word.endswith(_DOERS) and table.entry(word) is None
