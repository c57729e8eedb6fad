"""The kind of a tag: wear, hair, body, face, pose, action, held, person, creature, animal.

The kinds `PERSON_KINDS` need a person in the picture. `creature` has the parts, faces and postures
that animals have as well. The table is `assets/slots/kinds.txt`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

from .tags import canonical
from .word_forms import singular_forms
from .word_tables import entries, folded, sections

PERSON_KINDS = frozenset(("wear", "hair", "body", "face", "pose", "action", "held", "person"))
CREATURE = "creature"
ANIMAL = "animal"
THING = "thing"
# Words of the longest pattern.
_MOST_WORDS = 4


@dataclass(frozen=True)
class KindTable:
    """Kinds of whole tags, of their last words and of their first words."""

    exact: dict[str, str]
    endings: dict[str, str]
    beginnings: dict[str, str]

    def kind(self, name: str) -> str | None:
        """Return the kind of a folded tag: its exact entry, or the longest pattern."""
        if name in self.exact:
            return self.exact[name]
        words = name.split(" ")
        for length in range(min(len(words), _MOST_WORDS), 0, -1):
            kind = self.beginnings.get(" ".join(words[:length])) if length < len(words) else None
            kind = kind or self.endings.get(" ".join(words[-length:]))
            if kind is not None:
                return kind
        return None


@cache
def kind_table() -> KindTable:
    """Return the shipped table, read on first use."""
    return _read_table("kinds.txt")


def _read_table(name: str) -> KindTable:
    table = KindTable({}, {}, {})
    for kind, lines in sections(name):
        for entry in entries(lines):
            if entry.startswith("* "):
                table.endings[folded(entry[2:])] = kind
            elif entry.endswith(" *"):
                table.beginnings[folded(entry[:-2])] = kind
            else:
                table.exact[folded(entry)] = kind
    return table


def kind_of(tag: str) -> str | None:
    """Return the kind of a tag in any spelling; None for things, places, views and styles."""
    name = folded(canonical(tag))
    kind = kind_table().kind(name) or animal_kind(name)
    return None if kind == THING else kind


@lru_cache(4096)
def animal_kind(name: str) -> str | None:
    """Return `animal` if a folded tag is an animal with adjectives before it, else None."""
    words = name.rsplit(" ", _MOST_WORDS)[-_MOST_WORDS:]
    for start in range(len(words)):
        rest = " ".join(words[start:])
        for form in (rest, *singular_forms(rest)):
            if kind_table().exact.get(form) == ANIMAL:
                return ANIMAL
    return None


@cache
def _sexes_table() -> KindTable:
    return _read_table("sexes.txt")


def sex_of(tag: str) -> str | None:
    """Return `women` or `men` for a tag of one sex (a skirt, a beard), None for the others."""
    return _sexes_table().kind(folded(canonical(tag)))
