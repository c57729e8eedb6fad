"""Words that say how a picture is made, not what it shows: technique, camera, sites, credits.

The table is `assets/slots/style.txt`. Of `a fox by Greg Rutkowski, oil on canvas, trending on
artstation` the fox remains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from .word_tables import PhraseTable, entries, folded, sections

_PHRASES, _CREDITS, _NO_CREDIT = "phrases", "credits", "no credit"
BREAKS = frozenset(",;.!?()|:")
_ARTICLES = frozenset("a an the its his her their my our this that".split())
# A credit ends before these words: `a castle by Turner in the mist`.
_ENDS = frozenset(
    """a an in on at with for while during under over behind near through featuring showing
    depicting wearing holding standing sitting of""".split()
)
# After these words, as after those in -ed, `by` names no artist: `a table surrounded by guests`.
_DEEDS = frozenset("lit hidden worn held driven eaten flown caught bound hit led run".split())
# Words of one credit at most, and of a name after `named`.
_LONGEST_CREDIT = 40
_LONGEST_NAME = 3
_NAMINGS = frozenset(("named", "called"))
# `flat papercut style`: adjectives before the word, up to a stop, an article or a preposition.
_STYLE_WORDS = frozenset(("style", "styled", "aesthetic", "inspired"))
_LONGEST_STYLE = 4
_NO_STYLE = _ARTICLES | _ENDS | frozenset("of from to as by and is are".split())


@dataclass(frozen=True)
class _StyleTable:
    phrases: PhraseTable[bool]
    credits: PhraseTable[bool]
    no_credit: frozenset[str]


@cache
def _style_table() -> _StyleTable:
    lists = {title: list(entries(lines)) for title, lines in sections("style.txt")}
    phrases = {form: True for text in lists[_PHRASES] for form in _forms(text)}
    openers = {form: True for text in lists[_CREDITS] for form in _forms(text)}
    return _StyleTable(
        PhraseTable(phrases), PhraseTable(openers), frozenset(map(folded, lists[_NO_CREDIT]))
    )


def _forms(text: str) -> set[str]:
    """Return a phrase, and the same with a hyphen for its first blank: `high-key lighting`."""
    phrase = folded(text)
    return {phrase, phrase.replace(" ", "-", 1)}


def content_words(words: Sequence[str]) -> list[str]:
    """Return the words of a text with a comma in place of each word of style or credit.

    `words` are lower-case words and stops. The list keeps its length. The time is linear.
    """
    table = _style_table()
    shown = [True] * len(words)

    def hide(start: int, end: int) -> None:
        shown[start:end] = [False] * (end - start)

    for match in table.credits.matches(words):
        longest = _LONGEST_NAME if words[match.end - 1] in _NAMINGS else _LONGEST_CREDIT
        hide(match.start, _end_of_credit(words, match.end, longest))
    for place, word in enumerate(words):
        before = words[place - 1] if place else ","
        is_deed = before.endswith("ed") or before in _DEEDS
        if word == "by" and shown[place] and not is_deed and _is_credit(words, place + 1, table):
            hide(place, _end_of_credit(words, place + 1, _LONGEST_CREDIT))
        elif word in _STYLE_WORDS or word.endswith("-inspired"):
            start = place
            while start and place - start < _LONGEST_STYLE and words[start - 1] not in BREAKS:
                if words[start - 1] in _NO_STYLE:
                    break
                start -= 1
            hide(start, place + 1)
    for match in table.phrases.matches(words):
        hide(match.start, match.end)
    return [word if is_shown else "," for word, is_shown in zip(words, shown, strict=True)]


def _is_credit(words: Sequence[str], start: int, table: _StyleTable) -> bool:
    """Return whether the words after `by` are names."""
    first = words[start] if start < len(words) else ","
    return first not in BREAKS and first not in _ARTICLES and first not in table.no_credit


def _end_of_credit(words: Sequence[str], start: int, longest: int) -> int:
    end = start
    while end < len(words) and end - start < longest and words[end] not in BREAKS:
        if end > start and words[end] in _ENDS:
            break
        if end == start and words[end] in ("a", "an"):
            break
        end += 1
    return end
