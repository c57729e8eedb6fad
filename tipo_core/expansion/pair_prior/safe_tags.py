"""Tags that fit nearly every picture of a kind, for prompts whose evidence runs out.

The table is `assets/slots/safe.txt`. The medium, the mood, the place and the subject of a prompt
choose the sections; the seed chooses among their tags.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from ...prompt.vocabulary.word_tables import entries, sections, tokens

_ALWAYS = "open"
_MOODS = frozenset(("bright", "gloomy"))
_SEED_STEP = 1_000_003
_MOST_WORDS = 400


@dataclass(frozen=True)
class _Section:
    name: str
    tags: tuple[str, ...]
    asked_by: frozenset[str]


@cache
def _table() -> tuple[_Section, ...]:
    found = []
    for title, lines in sections("safe.txt"):
        fields = dict(line.split(":", 1) for line in lines)
        tags = tuple(entries([fields["tags"]]))
        found.append(_Section(title, tags, frozenset(entries([fields.get("asked by", "")]))))
    return tuple(found)


def safe_tags(texts: Iterable[str], kinds: Iterable[str], seed: int) -> list[str]:
    """Return tags in the order in which to try them, those of the most telling sections first.

    `texts` are the user's, `kinds` the names of sections that the prompt's subject chooses.
    """
    words = _words(texts)
    kinds = frozenset(kinds)
    chance = random.Random(seed * _SEED_STEP + sum(map(ord, "".join(sorted(words)))))
    chosen = [one for one in _table() if one.name in kinds or words & one.asked_by]
    if not any(one.name in kinds for one in chosen):
        chosen += [one for one in _table() if one.name == _ALWAYS]
    order: list[str] = []
    lists = [chance.sample(one.tags, len(one.tags)) for one in chosen]
    while any(lists):  # one tag of each section in turn
        for rest in lists:
            if rest:
                order.append(rest.pop())
    return list(dict.fromkeys(order))


def moods_of(texts: Iterable[str]) -> set[str]:
    """Return `bright`, `gloomy`, or both where words of the texts ask for them: joy, horror."""
    words = _words(texts)
    return {one.name for one in _table() if one.name in _MOODS and words & one.asked_by}


def _words(texts: Iterable[str]) -> set[str]:
    words: set[str] = set()
    for text in texts:
        words.update(tokens(text)[:_MOST_WORDS])
    return words
