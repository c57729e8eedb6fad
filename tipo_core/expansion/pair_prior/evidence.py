"""Finds the words of a request in the vocabulary of the pair table.

The longest match counts: ``pocket watch`` before ``watch``. A plural matches its singular. In a run
of nouns the last one is the head and the others describe it, so that ``pumpkin soup`` is above all
a soup. An unknown compound falls back to its head noun: ``old harbour crane house`` to ``house``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ...prompt.vocabulary.pairs import PairTable, shipped_pairs
from ...prompt.vocabulary.plain_text import plain_text
from ...prompt.vocabulary.word_forms import singular_forms

# Entries of a request that count; the first ones are the most telling.
MOST_ENTRIES = 64
# Weights of a noun before its head: a setting tells more of the picture than a thing does.
SETTING_BEFORE_HEAD = 0.6
THING_BEFORE_HEAD = 0.25
# Weight of the container in ``a bowl of ramen``.
_CONTAINER_WEIGHT = 0.5
# Weight of a compound's head noun where the whole compound is an entry.
_HEAD_WEIGHT = 0.4

_SETTINGS = frozenset("place nature weather time season light material world".split())
# Kinds of words that a noun before them describes.
_HEADS = frozenset("thing animal plant food place nature person wear".split())
_TOKEN = re.compile(r"[^\W_]+(?:['\u2019.\-][^\W_]+)*\+?|[,;.!?()|:]")
_APOSTROPHE = "\u2019"
_BREAKS = frozenset(",;.!?()|:")
_PREPOSITIONS = frozenset(
    """a an the of in on at by with and or near under over above below behind beside between
    through into onto from to against around across along inside outside beneath among towards
    beyond without off up down is are was were its his her their that which as while for""".split()
)
# ``a ball of yarn`` shows no ball: the first word gives the shape or the amount.
_SHAPES = frozenset(
    """ball sea wall blanket sheet ring crown head bar wave group herd flock pack bunch pile stack
    row set piece slice pair couple heap layer carpet shower ocean river cloud pool colony school
    swarm pride litter cluster patch strip block drop bed line circle number touch loaf kind type
    sort lot team""".split()
)
_CONTAINERS = frozenset(
    """bowl cup glass plate basket vase bottle jar box mug tray platter pot bucket can bag barrel
    crate dish chest pitcher jug field bouquet""".split()
)
# Counts that make no person the subject: a busy market is a market.
_NO_SUBJECTS = frozenset(("no humans", "crowd"))
_PERSON_PARTS = frozenset("hair eyes eye eyed haired skin skinned lips nails".split())
_DETERMINERS = frozenset("a an the its their his her".split())
_NEGATIONS = frozenset(("no", "without", "not"))


class FoundEntry(NamedTuple):
    """An entry of the pair table in a request, and its weight from 0 to 1."""

    entry: int
    weight: float


@dataclass(frozen=True)
class Evidence:
    """The entries of a request in their order, and whether one of them is a person."""

    found: tuple[FoundEntry, ...]
    mentions_person: bool


class _Match(NamedTuple):
    entry: int
    start: int
    end: int


def find_evidence(texts: Iterable[str], table: PairTable | None = None) -> Evidence:
    """Find the entries in the texts of a request: tags, captions, or whole prompts.

    `table` is the shipped table unless given. The time is linear in the length of the texts.
    """
    table = table or shipped_pairs()
    weights: dict[int, float] = {}
    mentions_person = False
    for text in texts:
        if len(weights) >= MOST_ENTRIES:
            break
        words = _TOKEN.findall(plain_text(text).casefold().replace(_APOSTROPHE, "'"))
        for found in _weighed(words, _matches(words, table), table):
            if len(weights) < MOST_ENTRIES or found.entry in weights:
                weights[found.entry] = max(found.weight, weights.get(found.entry, 0.0))
            kind = table.kind(found.entry)
            is_count = kind == "count" and table.names[found.entry] not in _NO_SUBJECTS
            mentions_person = mentions_person or kind == "person" or is_count
    return Evidence(
        tuple(FoundEntry(entry, weight) for entry, weight in weights.items()), mentions_person
    )


def _matches(words: list[str], table: PairTable) -> list[_Match]:
    """Return the longest matches from left to right."""
    found: list[_Match] = []
    place = 0
    while place < len(words):
        step = 1
        for length in range(min(table.longest + 2, len(words) - place), 0, -1):
            entry = _entry(words, place, place + length, table)
            if entry is not None:
                found.append(_Match(entry, place, place + length))
                step = length
                break
        place += step
    return found


def _entry(words: list[str], start: int, end: int, table: PairTable) -> int | None:
    """Return the entry that the words name, the last one in the singular or as it is."""
    if words[start] in _BREAKS or (words[end - 1] in _BREAKS and words[end - 1] != ")"):
        return None
    if end - start == 1:
        last = words[start]
        if last in _PREPOSITIONS:
            return None
        start_text = ""
    else:
        last = words[end - 1]
        start_text = _joined(words[start : end - 1])
    forms = (last, *singular_forms(last), *_parts_of_hyphen(last))
    for form in forms:
        entry = table.entry(_with(start_text, form))
        if entry is not None:
            return entry
    return None


def _joined(words: list[str]) -> str:
    """Return words with single spaces, and brackets as in ``bat (animal)``."""
    return " ".join(words).replace("( ", "(").replace(" )", ")")


def _with(start: str, last: str) -> str:
    if not start:
        return last
    return f"{start}{last}" if start.endswith("(") or last == ")" else f"{start} {last}"


def _parts_of_hyphen(word: str) -> tuple[str, ...]:
    """Return ``snow covered`` for ``snow-covered``."""
    return (word.replace("-", " "),) if "-" in word else ()


def _weighed(words: list[str], matches: list[_Match], table: PairTable) -> Iterable[FoundEntry]:
    """Give each match its weight by its place in the noun phrase."""
    for number, match in enumerate(matches):
        following = words[match.end] if match.end < len(words) else ","
        name = words[match.end - 1]
        singular = (singular_forms(name) or (name,))[0]
        if match.start and words[match.start - 1] in _NEGATIONS:
            continue
        if following in _PERSON_PARTS:
            continue  # `silver hair` is no silver
        if name.endswith("ing") and following in _DETERMINERS:
            continue  # `a beaver building a dam`
        weight = 1.0
        if following == "of":
            if singular in _SHAPES:
                continue
            if singular in _CONTAINERS:
                weight = _CONTAINER_WEIGHT
        elif number + 1 < len(matches) and matches[number + 1].start == match.end:
            weight = _before(table.kind(match.entry), matches[number + 1], words, table)
        elif _is_unknown_noun(following):
            weight = THING_BEFORE_HEAD
        yield FoundEntry(match.entry, weight)
        # A compound without a list of its own brings its head noun: what goes with a bag goes with
        # a tea bag, while a satellite dish is no dish. An alias such as `lake bed` for a dry lake
        # has another head.
        if match.end - match.start > 1:
            head = _entry(words, match.end - 1, match.end, table)
            whole = table.names[match.entry]
            is_part = head is not None and whole.endswith(f" {table.names[head]}")
            if head is not None and is_part and not table.has_list(match.entry):
                yield FoundEntry(head, weight * _HEAD_WEIGHT)


def _is_unknown_noun(word: str) -> bool:
    """Return whether an unknown word may be the noun that the word before it describes."""
    is_verb = word.endswith(("s", "ed", "ing", "ly"))
    return word.isalpha() and len(word) > 2 and word not in _PREPOSITIONS and not is_verb


def _before(kind: str, following: _Match, words: list[str], table: PairTable) -> float:
    """Return the weight of a word of this kind directly before another match."""
    other = table.kind(following.entry)
    if other not in _HEADS or words[following.end - 1].endswith("ing"):
        return 1.0
    if kind == other == "animal" or (kind == "food" and other == "thing"):
        return 1.0  # `corgi puppy`, `sushi platter`
    return SETTING_BEFORE_HEAD if kind in _SETTINGS else THING_BEFORE_HEAD
