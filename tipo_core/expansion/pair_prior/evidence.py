"""Finds the words of a request in the vocabulary of the pair table.

The longest match counts: ``pocket watch`` before ``watch``. A plural matches its singular. In a run
of nouns the last one is the head and the others describe it, so that ``pumpkin soup`` is above all
a soup. An unknown compound falls back to its head noun: ``old harbour crane house`` to ``house``.
Words of style and credits are left out.

Each entry has a role. In ``a cat on a chair beside a man with a hat`` the cat is the subject, chair
and man are the setting, and the hat is a detail. A tag of its own is a subject.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ...prompt.persons.denied_words import with_plain_denials, without_denied
from ...prompt.persons.person_table import person_table
from ...prompt.vocabulary.pairs import PairTable, shipped_pairs
from ...prompt.vocabulary.plain_text import plain_text
from ...prompt.vocabulary.style_phrases import content_words
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
    sort lot team explosion burst swirl splash flurry storm rain whirl""".split()
)
_CONTAINERS = frozenset(
    """bowl cup glass plate basket vase bottle jar box mug tray platter pot bucket can bag barrel
    crate dish chest pitcher jug field bouquet""".split()
)
# Counts that make no person the subject: a busy market is a market.
_NO_SUBJECTS = frozenset(("no humans", "crowd"))
_PERSON_PARTS = frozenset("hair eyes eye eyed haired skin skinned lips nails".split())
_ADVERBS = frozenset(("underwater", "outdoors", "indoors"))
_DETERMINERS = frozenset("a an the its their his her".split())
SUBJECT, SETTING, DETAIL = _ROLES = ("subject", "setting", "detail")
# The nearest of these words before a noun gives its role.
_OPENS_DETAIL = frozenset(
    """with of like as from wearing holding carrying featuring resembling made for without using
    named reads saying says showing eating drinking than displaying alluding hinting""".split()
)
_OPENS_SETTING = frozenset(
    """in on at near under over above below behind beside between through into onto across along
    inside outside beneath among underneath atop within against around to by""".split()
)
# `a view of the town`: the noun after `of` is what the picture shows.
_VIEWS = frozenset(
    """view close-up closeup shot portrait statue sculpture bust representation depiction scene
    version collage mosaic mural rendition display silhouette head face eye eyes""".split()
)
# `to the left of a tree`
_SIDES = frozenset(
    "left right top front middle center centre side edge corner bottom back base foot".split()
)
# A role is looked for in this many words.
_ROLE_REACH = 12
# Words that look like nouns after a noun: `a church lit by the moon`.
_PARTICIPLES = frozenset(
    """lit made seen set built worn torn bound hung drawn cut left held kept taken shown shot caught
    hidden broken woven thrown frozen overgrown sat stood lay hit put spun spread split""".split()
)
_NEGATIONS = frozenset(("no", "without", "not"))
_AFTER_NEGATIONS = frozenset("any a an the other single".split())
_MODALS = frozenset("can could will would may might must should cannot".split())


class FoundEntry(NamedTuple):
    """An entry of the pair table in a request, its weight from 0 to 1, and its role."""

    entry: int
    weight: float
    role: str = SUBJECT


@dataclass(frozen=True)
class Evidence:
    """The entries of a request in their order, and whether one of them is a person."""

    found: tuple[FoundEntry, ...]
    mentions_person: bool


class WordMatch(NamedTuple):
    """The words of an entry in a list of words: `words[start:end]`."""

    entry: int
    start: int
    end: int


def find_evidence(texts: Iterable[str], table: PairTable | None = None) -> Evidence:
    """Find the entries in the texts of a request: tags, captions, or whole prompts.

    `table` is the shipped table unless given. The time is linear in the length of the texts.
    """
    table = table or shipped_pairs()
    weights: dict[int, FoundEntry] = {}
    mentions_person = False
    for text in texts:
        if len(weights) >= MOST_ENTRIES:
            break
        words = prompt_words(text)
        for found in _weighed(words, find_matches(words, table), table):
            known = weights.get(found.entry)
            if known is not None:
                role = min(known.role, found.role, key=_ROLES.index)
                weights[found.entry] = FoundEntry(
                    found.entry, max(found.weight, known.weight), role
                )
            elif len(weights) < MOST_ENTRIES:
                weights[found.entry] = found
            kind = table.kind(found.entry)
            is_count = kind == "count" and table.names[found.entry] not in _NO_SUBJECTS
            mentions_person = mentions_person or kind == "person" or is_count
    return Evidence(tuple(weights.values()), mentions_person)


def prompt_words(text: str) -> list[str]:
    """Return the lower-case words and stops of a prompt, commas for words of style and names."""
    plain = with_plain_denials(plain_text(text)).casefold().replace(_APOSTROPHE, "'")
    words = without_denied(content_words(_TOKEN.findall(plain)))
    # `Scarlet Witch` is no witch.
    for match in person_table().phrases.matches(words):
        kind, _ = match.found
        if kind.startswith("given ") and match.end > match.start + 1:
            words[match.start : match.end] = [","] * (match.end - match.start)
    return words


def find_matches(words: list[str], table: PairTable) -> list[WordMatch]:
    """Return the longest matches from left to right."""
    found: list[WordMatch] = []
    place = 0
    while place < len(words):
        step = 1
        for length in range(min(table.longest + 2, len(words) - place), 0, -1):
            entry = _entry(words, place, place + length, table)
            if entry is not None:
                found.append(WordMatch(entry, place, place + length))
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


def _weighed(words: list[str], matches: list[WordMatch], table: PairTable) -> Iterable[FoundEntry]:
    """Give each match its weight by its place in the noun phrase."""
    for number, match in enumerate(matches):
        following = words[match.end] if match.end < len(words) else ","
        name = words[match.end - 1]
        singular = (singular_forms(name) or (name,))[0]
        before = words[match.start - 1] if match.start else ","
        earlier = words[match.start - 2] if match.start > 1 else ","
        if before in _NEGATIONS or (before in _AFTER_NEGATIONS and earlier in _NEGATIONS):
            continue
        if before in _MODALS and match.end - match.start == 1:
            continue  # `it could spring to life`
        if following in _PERSON_PARTS:
            continue  # `silver hair` is no silver
        is_plural_form = match.start > 0 and name != singular
        if (name.endswith("ing") or is_plural_form) and following in _DETERMINERS:
            continue  # `a beaver building a dam`, `a train crosses a bridge`
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
        role = _role(words, match.start, table)
        yield FoundEntry(match.entry, weight, role)
        # A compound without a list of its own brings its head noun: what goes with a bag goes with
        # a tea bag, while a satellite dish is no dish. An alias such as `lake bed` for a dry lake
        # has another head.
        if match.end - match.start > 1:
            head = _entry(words, match.end - 1, match.end, table)
            whole = table.names[match.entry]
            is_part = head is not None and whole.endswith(f" {table.names[head]}")
            if head is not None and is_part and not table.has_list(match.entry):
                yield FoundEntry(head, weight * _HEAD_WEIGHT, role)


def _role(words: list[str], start: int, table: PairTable) -> str:
    """Return the role of the noun at `start`."""
    for place in range(start - 1, max(-1, start - 1 - _ROLE_REACH), -1):
        word = words[place]
        if word in _BREAKS:
            break
        if word == "of":
            before = (singular_forms(words[place - 1]) or (words[place - 1],))[0] if place else ""
            if before in _SHAPES or before in _CONTAINERS or before in _VIEWS or before in _BREAKS:
                continue  # a masked `photo of` is a view
            if before in _SIDES:
                return SETTING
        if word in _OPENS_DETAIL:
            return DETAIL
        if word in _OPENS_SETTING or _is_doing(words, place, table):
            return SETTING
    return SUBJECT


def _is_doing(words: list[str], place: int, table: PairTable) -> bool:
    """Return whether a word is what the noun before it does: `a man drinking coffee`."""
    is_ing = words[place].endswith("ing") and place > 0
    return is_ing and _entry(words, place - 1, place, table) is not None


def _is_unknown_noun(word: str) -> bool:
    """Return whether an unknown word may be the noun that the word before it describes."""
    is_doer = word.endswith(("ers", "ors", "ists"))  # `pipe cleaners`
    is_verb = word.endswith(("s", "ed", "ing", "ly")) and not is_doer
    is_other = word in _PREPOSITIONS or word in _PARTICIPLES
    return word.isalpha() and len(word) > 2 and not is_other and not is_verb


def _before(kind: str, following: WordMatch, words: list[str], table: PairTable) -> float:
    """Return the weight of a word of this kind directly before another match."""
    other = table.kind(following.entry)
    if table.names[following.entry] in _ADVERBS:
        return 1.0  # `a whale underwater`
    if other not in _HEADS or words[following.end - 1].endswith("ing"):
        return 1.0
    if kind == other == "animal" or (kind == "food" and other == "thing"):
        return 1.0  # `corgi puppy`, `sushi platter`
    return SETTING_BEFORE_HEAD if kind in _SETTINGS else THING_BEFORE_HEAD
