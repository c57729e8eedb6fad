"""Which words of a prompt are evidence for which kinds of tags.

A concrete thing needs more than a detail, a genre or a word of light: `a man with a flute` brings
no music stand, and `soft light` no lamp.
"""

from __future__ import annotations

from ...prompt.vocabulary.pairs import PairTable
from .evidence import DETAIL, SUBJECT, FoundEntry

# Kinds that change what a picture shows.
_CONCRETE = frozenset("thing food animal material plant wear body hair held action".split())
_OF_PERSON = frozenset("wear body hair held action".split())
_HABITATS = frozenset("animal plant place nature weather".split())
_SETTING_KINDS = frozenset("place nature plant".split())
_SCENES = frozenset(("scenery", "landscape", "cityscape"))
_STYLES = frozenset("medium light framing quality background".split())
_THINGS = frozenset("thing food animal material".split())


def is_weak(table: PairTable, found: FoundEntry, candidate: int, is_about_thing: bool) -> bool:
    """Return whether an entry of a prompt is no evidence for a candidate.

    `is_about_thing` says that the prompt is about an animal or a thing: a genre gives it no
    landscape.
    """
    kind, source = table.kind(candidate), table.kind(found.entry)
    if source in _STYLES and table.names[found.entry] not in _SCENES:
        return kind in _CONCRETE or kind in _SETTING_KINDS
    if source == "world" and kind in ("place", "nature") and is_about_thing:
        return True
    is_thing = source in _THINGS
    if kind == "nature" and is_thing and found.role == DETAIL:
        return True
    if kind not in _CONCRETE:
        return False
    if kind == "animal" and source not in _HABITATS:
        return True
    is_near_person = is_thing and kind in _OF_PERSON
    return found.role == DETAIL or (found.role != SUBJECT and is_near_person)
