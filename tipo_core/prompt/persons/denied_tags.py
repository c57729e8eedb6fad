"""Tags and sentences that name a thing which the prompt denies.

A denied word excludes the tags that contain it, in any form, and those that imply it: without
water there is no ocean. The table is `assets/slots/denied.txt`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

from ..vocabulary.pairs import shipped_pairs
from ..vocabulary.word_forms import singular_forms
from ..vocabulary.word_tables import entries, sections, tokens
from .denied_words import denied_phrases, with_plain_denials, without_denied

# Kinds of the pair table that a word denies as a whole.
_KINDS = frozenset("food animal plant weather".split())
_MOST_CHARACTERS = 2_000
_LEAST_STEM = 3
_SMILEYS = frozenset((":d", ";d", "xd", ":)", "^_^", "^ ^", ";)"))


class DeniedTags:
    """What the user's text denies; false if it denies nothing."""

    def __init__(self) -> None:
        self._phrases: set[tuple[frozenset[str], ...]] = set()
        self._kinds: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._phrases)

    def add(self, text: str) -> None:
        """Add the denied words of a tag or a caption of the user."""
        for phrase in denied_phrases(tokens(with_plain_denials(text[:_MOST_CHARACTERS]))):
            self._phrases.add(tuple(map(_stems, phrase)))
            head = _stems(phrase[-1])
            if len(phrase) > 1:
                continue
            self._kinds |= head & _KINDS
            for word in head:
                implied = _implied().get(word, ())
                self._phrases.update(tuple(map(_stems, tokens(one))) for one in implied)
                entry = shipped_pairs().entry(word)
                if entry is not None:
                    known = tokens(shipped_pairs().names[entry].split(" (")[0])
                    self._phrases.add(tuple(map(_stems, known)))

    def names(self, text: str) -> bool:
        """Return whether a tag or a sentence names a denied thing."""
        if not self._phrases:
            return False
        if text in _SMILEYS:
            text = "smile"
        words = without_denied(tokens(with_plain_denials(text)))
        forms = list(map(_stems, words))
        present = frozenset().union(*forms)
        for phrase in self._phrases:
            if all(not stems.isdisjoint(present) for stems in phrase):
                return True
        return bool(self._kinds) and self._has_kind(words)

    def _has_kind(self, words: Sequence[str]) -> bool:
        table = shipped_pairs()
        for start in range(len(words)):
            for end in (start + 1, start + 2):
                part = words[start:end]
                for last in (part[-1], *singular_forms(part[-1])):
                    entry = table.entry(" ".join([*part[:-1], last]))
                    if entry is not None and table.kind(entry) in self._kinds:
                        return True
        return False


@lru_cache(4096)
def _stems(word: str) -> frozenset[str]:
    """Return the forms in which two words are compared: `smiling` and `smile` share one."""
    forms = {word, *singular_forms(word)}
    for ending in ("ing", "ed", "y"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _LEAST_STEM:
            forms |= {stem, f"{stem}e"}
            if stem[-1:] == stem[-2:-1]:
                forms.add(stem[:-1])
    return frozenset(forms)


@cache
def _implied() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for _, lines in sections("denied.txt"):
        for line in lines:
            names, _, implied = line.partition(":")
            for name in entries([names]):
                found[name] = tuple(entries([implied]))
    return found
