"""The things that a prompt names, in the user's own words: what its sentences may be about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ...prompt.vocabulary.pairs import PairTable, shipped_pairs
from ...prompt.vocabulary.word_forms import singular_forms
from ..pair_prior.evidence import (
    SETTING_BEFORE_HEAD,
    SUBJECT,
    find_evidence,
    find_matches,
    prompt_words,
)
from .places import ADVERBIALS, NO_PLACES, WIDE_KINDS, is_named_place

# Kinds that a sentence may be about, the first ones before others.
_NARROW = frozenset(("animal", "creature", "thing", "food", "plant"))
# A word that only describes the noun after it is no subject.
_LEAST_WEIGHT = 0.5
# Characters of a text that are read.
_MOST_CHARACTERS = 4_000
_NUMBERS = frozenset("two three four five six seven eight nine ten several many".split())
# Places without an article, and forms of a picture, which its sentences are not about.
_NO_SUBJECTS = frozenset("underwater space heaven hell earth nature mars".split()) | frozenset(
    """emoji icon sticker logo map poster card page paint studio title giant text word letter image
    scene design model set profile future past dream photo drawing sky clouds abstract cyberpunk
    steampunk nothing""".split()
)


class TypedThing(NamedTuple):
    """A word of the pair table as the user wrote it (`penguins`), in small letters."""

    words: str
    kind: str
    is_subject: bool
    number: str = ""  # a number above one before the words: `two`

    @property
    def is_wide(self) -> bool:
        """Whether it fills the whole picture, as a landscape does."""
        return self.kind in WIDE_KINDS


def typed_things(texts: Iterable[str], table: PairTable | None = None) -> list[TypedThing]:
    """Return the things that texts name, in their order, each one once.

    Names are left out: words that a text writes with capital letters alone.
    """
    table = table or shipped_pairs()
    found: dict[str, TypedThing] = {}
    for whole in texts:
        text = whole[:_MOST_CHARACTERS]
        roles = {one.entry: one for one in find_evidence([text], table).found}
        words = prompt_words(text)
        for match in find_matches(words, table):
            role = roles.get(match.entry)
            # `bat (animal)` is a bat.
            said = " ".join(words[match.start : match.end]).partition(" (")[0]
            if role is None or (said in found and found[said].is_subject) or _is_name(said, text):
                continue
            is_head = role.weight >= _LEAST_WEIGHT and role.weight != SETTING_BEFORE_HEAD
            is_subject = role.role == SUBJECT and is_head
            is_subject &= _is_noun(said, table.names[match.entry], table)
            before = words[match.start - 1] if match.start else ""
            number = before if before in _NUMBERS else ""
            thing = TypedThing(said, table.kind(match.entry), is_subject, number)
            if said not in found or (is_subject and not found[said].is_subject):
                found[said] = thing
    return list(found.values())


def subject_of(things: Sequence[TypedThing]) -> TypedThing | None:
    """Return what the prompt is about: a thing before a place; None if that is not known."""
    for kinds in (_NARROW, WIDE_KINDS):
        for thing in things:
            if thing.is_subject and thing.kind in kinds:
                return thing
    return None


def _is_noun(said: str, name: str, table: PairTable) -> bool:
    """Return whether words for the entry `name` take an article: `snowy` does not."""
    is_place = name in NO_PLACES or name in ADVERBIALS or is_named_place(name)
    if is_place or name in _NO_SUBJECTS or said.endswith(("picture", "photo", "image")):
        return False
    if said.startswith(("on ", "in ", "at ", "under ")):
        return False
    start, _, last = said.rpartition(" ")
    forms = (last, *singular_forms(last))
    if name.partition(" (")[0] in (said, *(f"{start} {form}".strip() for form in forms)):
        return True
    if start and any(table.entry(form) is not None for form in forms):
        return True  # another name with a noun at its end: `gothic church`
    return any(f"{start} {form}".strip() == name for form in forms)


def _is_name(said: str, text: str) -> bool:
    """Return whether a text writes words only with a capital letter inside a sentence."""
    words = r"\W+".join(map(re.escape, said.split()))
    forms = [found.group() for found in re.finditer(rf"(?<=[\w,] )\b{words}\b", text, re.I)]
    return bool(forms) and all(form[:1].isupper() for form in forms)
