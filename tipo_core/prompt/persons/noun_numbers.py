"""Numbers and ages in the words before a noun: `two old men`, `a 7 year old boy`."""

from __future__ import annotations

from collections.abc import Sequence

from .person_table import STOPS, person_table
from .unknown_names import NOT_ADJECTIVES

# Words between a number and its noun: `two very old men`.
NUMBER_REACH = 4
# A number before these measures the noun: `80 year old sailor`, `a 6 foot man`.
_UNITS = frozenset(
    """year years yr yrs yo y month months week weeks day days hour hours minute minutes foot feet
    ft inch inches cm mm m meter meters metre metres km mile miles kg lb lbs pound pounds percent k
    d px th am pm o'clock star dollar dollars degrees""".split()
)
_OLD = frozenset("old elderly aged ancient older grandmother grandfather granny grandpa".split())
_YOUNG = frozenset("young little small younger teenage child toddler baby".split())


def number_before(before: Sequence[str]) -> int | None:
    """Return the number before a noun, 0 for several, None if there is none."""
    numbers = person_table().numbers
    for back in range(1, min(len(before), NUMBER_REACH) + 1):
        word = before[-back]
        if word == "of" and back < len(before):
            return numbers.get(f"{before[-back - 1]} of")
        is_measure = back > 1 and before[-back + 1] in _UNITS
        if word in numbers and not is_measure:
            return numbers[word]
        if word.isdigit() and len(word) < 4 and not is_measure:
            return int(word)
        if word in STOPS or word in NOT_ADJECTIVES or word in ("a", "an"):
            return None
    return None


def age_of(words: Sequence[str]) -> str:
    """Return `old` or `young` if the words of a noun phrase say it."""
    said = set(words)
    if "old" in said and not _UNITS.isdisjoint(said):
        return ""  # `7 year old`
    return "old" if said & _OLD else "young" if said & _YOUNG else ""
