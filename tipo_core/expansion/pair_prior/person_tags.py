"""The tags of the pair table that a model may write for persons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ...prompt.vocabulary.pairs import shipped_pairs
from ...prompt.vocabulary.slots import slot_table

# A tag of a person is drawn if it is in at least this share of the pictures.
LEAST_LOG_SHARE = math.log(0.03)
_PERSON_KINDS = frozenset("count person wear body hair face pose action held framing".split())
# Wear that needs no evidence.
_PLAIN_WEAR = frozenset(("shirt", "long sleeves", "pants", "jacket", "short sleeves"))
# Poses that need a floor or a mat.
_FLOOR_POSES = frozenset(("wariza", "seiza", "yokozuwari", "indian style"))
# The slots of colours, and the colours that persons have by nature.
_NATURAL = MappingProxyType(
    {
        "hair colour": frozenset("black brown blonde red ginger".split()),
        "eye colour": frozenset("blue green brown grey amber".split()),
    }
)
_COLORED = (" hair", " eyes")


def colored_parts(name: str) -> set[str]:
    """Return `hair colour` or `eye colour` for a tag that says one."""
    return {slot for slot, _ in slot_table().said_by_tag(name) if slot in _NATURAL}


@dataclass(frozen=True)
class PersonTags:
    """The tags of the pair table. `nats` is -inf for those that need evidence to be drawn.

    These are tags of scenes and things, which no model that knows only persons should add, and rare
    tags of persons.
    """

    shares: Mapping[str, float]
    places: Mapping[str, int]
    is_person: NDArray[np.bool_]
    is_look: NDArray[np.bool_]
    is_unnatural: NDArray[np.bool_]
    nats: NDArray[np.float64]


def _is_look(name: str, kind: str) -> bool:
    """Return whether a tag says how a person looks by nature: hair, eyes, skin, ears."""
    return kind in ("hair", "body") or name.endswith((" eyes", " ears", " skin", " pupils"))


def _is_unnatural(name: str) -> bool:
    """Return whether a tag has a colour of hair or eyes that no person has by nature."""
    said = slot_table().said_by_tag(name) if name.endswith(_COLORED) else ()
    return any(value not in _NATURAL[slot] for slot, value in said if slot in _NATURAL)


def _needs_evidence(name: str, kind: str) -> bool:
    """Return whether a common tag of a person changes the picture: wear, ears of an animal."""
    if name.endswith(_COLORED):
        said = slot_table().said_by_tag(name)
        return any(slot in _NATURAL and not value for slot, value in said)  # `multicolored hair`
    if name in _FLOOR_POSES:
        return True
    return kind in ("body", "hair") or (kind == "wear" and name not in _PLAIN_WEAR)


@cache
def person_tags() -> PersonTags:
    """Return the tags of the shipped table, sorted on first use."""
    table = shipped_pairs()
    entries = [entry for entry in range(len(table.names)) if table.is_tag(entry)]
    shares = {table.names[entry]: math.exp(table.log_share(entry)) for entry in entries}
    is_person = np.array([table.kind(entry) in _PERSON_KINDS for entry in entries])
    is_common = np.array([table.log_share(entry) >= LEAST_LOG_SHARE for entry in entries])
    needs_evidence = np.array(
        [_needs_evidence(table.names[entry], table.kind(entry)) for entry in entries]
    )
    return PersonTags(
        shares,
        {name: place for place, name in enumerate(shares)},
        is_person,
        np.array([_is_look(name, table.kind(table.spellings[name])) for name in shares]),
        np.array([_is_unnatural(name) for name in shares]),
        np.where(is_person & is_common & ~needs_evidence, 0.0, -np.inf),
    )
