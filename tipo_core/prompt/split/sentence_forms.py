"""Forms of sentences whose parts look like tags, so that only the whole tells what they are.

Their units get a bonus on their scores:

- a short sentence with a pronoun: ``She smiles.``
- a subject and a verb, with or without a stop: ``he is about forty``
- a list before its verb: ``Soup, bread and tea stand on a tray.``
- a list at the end: ``A portrait of Ann, Bo, and Cy.``
- a place after a comma: ``a girl in a red coat, on a bridge``, with a smaller bonus
- a subject, an insertion and a verb: ``Ann Lee, clad in silk, dances.``

Words of the tag vocabulary between two whole clauses get a malus: they are tags, and the second
clause resumes the caption: ``The train leaves the station, night, rain, people wave.``
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..vocabulary.pairs import shipped_pairs
from .prompt_units import Unit
from .unit_features import CREDIT
from .word_classes import (
    AUXILIARY,
    CAPITAL,
    CONTINUES,
    DETERMINER,
    JOIN,
    NUMBER,
    PARTICIPLE,
    PAST,
    PREPOSITION,
    PRONOUN,
    VERB,
    word_class,
)

_BONUS = 8.0
_SMALL_BONUS = 1.5
_CLAUSE_BONUS = 4.0
# A pronoun or a name and a verb, or an article, a noun and a verb; at least three words.
_CLAUSE = re.compile(
    f"[{PRONOUN}{CAPITAL}][{VERB}{AUXILIARY}].|[{DETERMINER}{NUMBER}].[{VERB}{AUXILIARY}]"
)
_CLEAR_SCORE = 1.0  # of a unit that is surely a caption
_MOST_UNITS = 9  # of a sentence with a list or an insertion
_MOST_SUBJECT_WORDS = 5
_TAG_MALUS = 3.2
_CLAUSE_SCORE, _RESUMED_SCORE = 5.0, 2.0  # of the clauses before and after tags
_MOST_TAGS_BETWEEN = 6
_MOST_TAG_WORDS = 2
_STOPS = frozenset(".!?\u2026")
_INSERTIONS = frozenset((PARTICIPLE, PAST, PREPOSITION, CONTINUES, PRONOUN, DETERMINER))


def raise_sentences(units: Sequence[Unit], scores: list[float]) -> None:
    """Add the bonus to the scores of the units of such sentences."""
    first = 0
    for last, unit in enumerate(units):
        if _CLAUSE.match(_classes(unit)) and unit.plain[1:].islower():
            scores[last] += _CLAUSE_BONUS
        if last > first and (unit.separator != "," or units[last - 1].plain[-1:] in _STOPS):
            first = last
        elif last > first and _classes(unit)[:2] == PREPOSITION + DETERMINER:
            scores[last] += _SMALL_BONUS
        if unit.plain[-1:] in _STOPS and not unit.is_group:
            if first == last:
                if _classes(unit)[:1] == PRONOUN and len(_classes(unit)) > 1:
                    scores[last] += _BONUS
            elif last - first < _MOST_UNITS:
                _raise_sentence(units[first : last + 1], scores, first)


def lower_tags_between(units: Sequence[Unit], scores: list[float]) -> None:
    """Lower the scores of tags between two clauses, and raise that of the second clause."""
    first = 1
    while first < len(units) - 1:
        last = first
        while last < len(units) - 1 and _is_bare_tag(units[last], scores[last]):
            last += 1
        is_between = 0 < last - first <= _MOST_TAGS_BETWEEN
        is_between = is_between and scores[first - 1] >= _CLAUSE_SCORE
        is_between = is_between and units[first - 1].plain[-1:] not in _STOPS
        is_list = JOIN in _classes(units[last])[:2]  # `a mirror, window, and chair`
        if is_between and not is_list and scores[last] >= _RESUMED_SCORE:
            for index in range(first, last):
                scores[index] -= _TAG_MALUS
            scores[last] += _SMALL_BONUS
        first = last + 1


def _is_bare_tag(unit: Unit, score: float) -> bool:
    """Whether a unit is a word or two of the tag vocabulary: ``night``, ``blue sky``."""
    plain = unit.plain.rstrip(".")
    is_short = score < 0 and plain.islower() and len(plain.split()) <= _MOST_TAG_WORDS
    return is_short and unit.separator in ",n" and shipped_pairs().entry(plain) is not None


def _raise_sentence(sentence: Sequence[Unit], scores: list[float], first: int) -> None:
    """Add the bonus to a sentence of several units, the first one of which has number `first`."""
    last = first + len(sentence) - 1
    classes = [_classes(unit) for unit in sentence]
    starts_with_capital = sentence[0].plain[:1].isupper()
    ends_list = JOIN in classes[-1][:2] and classes[-1][:1] != DETERMINER
    if ends_list and len(classes[-1]) > 2 and scores[last] >= _CLEAR_SCORE and starts_with_capital:
        _add(scores, range(first, last))
    elif (
        classes[-1][:1] == JOIN
        and scores[first] >= _CLEAR_SCORE
        and not any(CREDIT.search(unit.plain[-80:].lower()) for unit in sentence)
    ):
        _add(scores, range(first + 1, last + 1))
    if not starts_with_capital or len(sentence[0].plain.split()) > _MOST_SUBJECT_WORDS:
        return
    for index in range(2, len(sentence)):
        between = range(1, index)
        if not _begins_with_verb(sentence[index], classes[index]):
            continue
        if all(scores[first + at] > 0 or _INSERTIONS & set(classes[at]) for at in between):
            _add(scores, range(first, first + index + 1))
            return


def _begins_with_verb(unit: Unit, classes: str) -> bool:
    """Whether the unit may be the rest of a sentence: ``walks home.``, ``waves at him.``"""
    word = unit.plain[:30].split(maxsplit=1)[0].rstrip(".!?")
    return classes[:1] == VERB or (word.islower() and word.endswith("s") and word[-2:] != "ss")


def _classes(unit: Unit) -> str:
    """The classes of the first three words."""
    words = [word.strip(".,!?\"'") for word in unit.plain[:60].split()[:3]]
    return "".join([word_class(word, word.lower()) for word in words if word])


def _add(scores: list[float], indexes: range) -> None:
    for index in indexes:
        scores[index] += _BONUS
