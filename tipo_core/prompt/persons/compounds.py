"""Words of persons in the names of things: `king bed`, `the cat Otto`, `Loki horns`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from ..vocabulary.kinds import CREATURE, animal_kind, kind_of
from ..vocabulary.word_tables import Match
from .character_names import GIVEN, Named
from .person_table import COUNTED, COUPLE, FAMILY, PEOPLE, STOPS, person_table
from .unknown_names import DETERMINERS, NOT_ADJECTIVES

# Words that are adjectives as well: `human skull`, `male lion`, `baby red panda`.
_ALSO_ADJECTIVES = frozenset(
    ("human", "male", "female", "baby", "adult", "mother", "father", "teen")
)
# Nouns after `a woman's` that show the woman.
_SHOWN_PARTS = frozenset("head face body portrait silhouette figure self profile selfie".split())
_SHOWN_KINDS = frozenset(("hair", "body", "face", CREATURE))
# What a name before it describes: `Loki horns`.
_LENT_KINDS = frozenset(("wear", "hair", "body", CREATURE))
_PORTRAIT_WORDS = frozenset("painting photo photograph photography picture drawing shot".split())
# Things that a full name before them describes: `peter pan bus`.
_NAMED_THINGS = frozenset("bus car train boat ship truck plane stamp cake cookies balloon".split())
# Pieces of a game that have the names of persons.
CHESSMEN = frozenset("king kings queen queens bishop bishops knight knights".split())
_NAMESAKE_REACH = 4
_BEFORE_PLACE_NAMES = frozenset("lake mount mt port fort cape camp san santa".split())
_PLAYERS = frozenset("playing plays play player players".split())
# Words of a person after which a name that is a word as well is a person's name.
_OF_PERSONS = frozenset("wearing holding smiling walking running standing sitting dancing".split())


def is_compound(words: Sequence[str], match: Match[Named], kind: str) -> bool:
    """Return whether the words around make the person a part of a thing's name."""
    if words[match.end - 1] in CHESSMEN and _is_chess(words):
        return True
    if kind in COUNTED and match.start and _is_dressed_animal(words, match):
        return True
    if match.start and words[match.start - 1] in _BEFORE_PLACE_NAMES:
        return True  # `lake louise`, `mount cook`
    if match.end >= len(words):
        return False
    table = person_table()
    after = words[match.end]
    if after == "made" and words[match.end + 1 : match.end + 2] == ["of"]:
        return False  # `a giant made of stone`, not `man made`
    if kind in GIVEN:
        # `Loki horns`, `Elvis hair`; `Jimin's eye` shows Jimin.
        if words[match.end - 1].endswith("'s"):
            return False
        pair = [after, *words[match.end + 1 : match.end + 2]]
        is_animal = after not in NOT_ADJECTIVES and (
            animal_kind(after) is not None or animal_kind(" ".join(pair)) is not None
        )
        if match.end - match.start > 1:
            return is_animal or after in _NAMED_THINGS or after in table.after_any
        is_thing = after in table.after or (after.endswith("s") and after[:-1] in table.after)
        is_lent = kind_of(after) in _LENT_KINDS and not after.endswith("ing")
        return is_thing or is_animal or is_lent
    if words[match.end - 1].endswith("'s"):
        # `a woman's face` shows her, `a woman's handbag` does not.
        return after not in _SHOWN_PARTS and kind_of(after) not in _SHOWN_KINDS
    if kind in (PEOPLE, COUPLE, FAMILY) and after == "of":
        # `a crowd of people`, `a family of ducks`: the noun after `of` counts.
        return (
            words[match.end + 1 : match.end + 2] != [] and words[match.end + 1] not in table.numbers
        )
    if words[match.end - 1] in _ALSO_ADJECTIVES and match.end == match.start + 1:
        rest = list(takewhile(_is_in_phrase, words[match.end : match.end + 3]))
        if any(animals(rest)) or (words[match.start] == "human" and rest):
            return not after.endswith("ing")
    if words[match.end - 1] in table.common:
        return after in table.after_any
    if kind_of(after) == "wear" and not after.endswith(("ing", "s")):
        return True  # `a nurse kimono`
    if f"{after}s" in table.after or (after.endswith("s") and after[:-1] in table.after):
        return True
    return after in table.after or animal_kind(after) is not None


def is_animals_name(words: Sequence[str], start: int) -> bool:
    """Return whether the name at `start` is an animal's: `the cat Otto`, `a dog named Max`."""
    before = [word for word in words[max(0, start - 3) : start] if word not in ("named", "called")]
    return bool(before) and STOPS.isdisjoint(before[-1:]) and animal_kind(before[-1]) is not None


def shows_person(words: Sequence[str], end: int) -> bool:
    """Return whether a portrait shows a person: `portrait of shaggy rogers`, not `of a lighthouse`.

    `end` is the place after the word.
    """
    rest = list(takewhile(lambda word: word not in STOPS, words[end : end + 6]))
    while rest and rest[0] in _PORTRAIT_WORDS:
        rest = rest[1:]
    if rest[:1] != ["of"]:
        return True
    return rest[1:2] != [] and rest[1] not in DETERMINERS and any(map(person_table().is_rare, rest))


def _is_in_phrase(word: str) -> bool:
    return word not in STOPS and word not in NOT_ADJECTIVES


def animals(words: Sequence[str]) -> Iterator[bool]:
    for place, word in enumerate(words):
        for text in (word, " ".join(words[place : place + 2])):
            if animal_kind(text) is not None:
                yield True


def is_namesake(words: Sequence[str], start: int) -> bool:
    """Return whether the noun at `start` names a thing: `an orchid named after a queen`."""
    before = words[max(0, start - _NAMESAKE_REACH) : start]
    return "after" in before[1:] and before[before.index("after", 1) - 1] in ("named", "called")


def is_word_here(words: Sequence[str], match: Match[Named]) -> bool:
    """Return whether a name that is a word as well is the word here: `a link of a chain`.

    It is the name in a phrase of its own and before what persons do: `hazel walking in the rain`.
    """
    if match.end - match.start > 1 or words[match.start] not in person_table().words_too:
        return False
    after = words[match.end : match.end + 1]
    return not (after and (after[0] in _OF_PERSONS or after[0] in ("from", "(")))


def _is_dressed_animal(words: Sequence[str], match: Match[Named]) -> bool:
    """Return whether the noun says what an animal is dressed as: `a cat astronaut`."""
    table = person_table()
    is_role = words[match.end - 1].removesuffix("s") in table.animal_roles
    return is_role and words[match.start - 1] in table.dressed_animals


def _is_chess(words: Sequence[str]) -> bool:
    return "chess" in words and _PLAYERS.isdisjoint(words)
