"""Matchers of ban entries, each for tags and for sentences.

Tags are canonical names (`vocabulary.tags.canonical`), sentences are lower case with single spaces.
In a sentence a matcher finds whole words: ``hat`` matches "hat" and "hats", not "that" or "chat".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from ..vocabulary.tags import Category, category
from . import linear_regex
from .automaton import Regex

MAX_PHRASE = 5  # words that a regular expression or a glob may span in a sentence
_PUNCTUATION = re.compile(r"[.,;:!?\u2026\u3002]+(?!\w)")
# In a pattern: choices and counts, escapes, repeated characters, and literal letters and figures.
_IS_CHOICE = re.compile(r"[|(\[{]")
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_OPTIONAL = re.compile(r".[*+?]", re.DOTALL)
_LETTERS = re.compile(r"[A-Za-z0-9]+")
_WORD = re.compile(r"\w(?:[\w'-]*\w)?\+?")


class Matcher(Protocol):
    """Decides whether an entry matches a tag or a sentence."""

    def in_tag(self, name: str) -> bool:
        """Whether the canonical name matches."""

    def in_sentence(self, sentence: str) -> bool:
        """Whether some words of the sentence match."""


@dataclass(frozen=True)
class Exact:
    """A tag; in sentences its words, in singular or plural."""

    name: str

    def in_tag(self, name: str) -> bool:
        return name == self.name

    def in_sentence(self, sentence: str) -> bool:
        return _has_phrase(sentence, self.name)


@dataclass(frozen=True)
class Glob:
    """``red*hat`` as ``("red", "hat")``: the text between the stars."""

    pieces: tuple[str, ...]

    def in_tag(self, name: str) -> bool:
        return _glob_matches(self.pieces, name)

    def in_sentence(self, sentence: str) -> bool:
        inner = tuple([piece.strip() for piece in self.pieces if piece.strip()])
        if len(inner) == 1:
            return _has_phrase(sentence, inner[0])
        return any(_glob_matches(inner, phrase) for phrase in _phrases(sentence))


@dataclass(frozen=True)
class Pattern:
    """A regular expression: found anywhere in a tag, covering whole words of a sentence.

    It is compiled on first use, by the first text that has its longest literal word.
    """

    pattern: str

    @cached_property
    def regex(self) -> Regex:
        """The compiled pattern."""
        return linear_regex.compile(self.pattern)

    @cached_property
    def _needed(self) -> str:
        """Letters and figures, lower case, that each ASCII match has; "" if they are unknown."""
        if _IS_CHOICE.search(self.pattern):
            return ""
        fixed = _OPTIONAL.sub("\0", _ESCAPED.sub("\0", self.pattern))
        return max(_LETTERS.findall(fixed), key=len, default="").lower()

    def _can_be_in(self, text: str) -> bool:
        # Other scripts have letters of the same lower case: the Kelvin sign is a k.
        return not text.isascii() or self._needed in text.lower()

    def in_tag(self, name: str) -> bool:
        return self._can_be_in(name) and self.regex.search(name)

    def in_sentence(self, sentence: str) -> bool:
        return self._can_be_in(sentence) and any(
            self.regex.fullmatch(phrase) for phrase in _phrases(sentence)
        )


@dataclass(frozen=True)
class OfCategory:
    """All tags of a category. Sentences have no category."""

    category: Category

    def in_tag(self, name: str) -> bool:
        return category(name) is self.category

    def in_sentence(self, sentence: str) -> bool:
        return False


def _glob_matches(pieces: tuple[str, ...], name: str) -> bool:
    """Whether the name begins and ends with the outer pieces and has the others in order."""
    first, last = pieces[0], pieces[-1]
    if len(name) < len(first) + len(last) or not (name.startswith(first) and name.endswith(last)):
        return False
    position, end = len(first), len(name) - len(last)
    for piece in pieces[1:-1]:
        found = name.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


def _has_phrase(sentence: str, phrase: str) -> bool:
    """Whether the sentence has the phrase as whole words, in singular or plural."""
    if not phrase or phrase not in sentence:  # the usual case, without compiling an expression
        return False
    pattern = rf"(?<!\w){re.escape(phrase)}(?:s|es)?(?!\w)"
    return re.search(pattern, sentence) is not None


def _phrases(sentence: str) -> list[str]:
    """All sequences of 1 to MAX_PHRASE words of the sentence that punctuation does not divide."""
    clauses = [_WORD.findall(clause) for clause in _PUNCTUATION.split(sentence)]
    return [
        " ".join(words[start : start + length])
        for words in clauses
        for start in range(len(words))
        for length in range(1, min(MAX_PHRASE, len(words) - start) + 1)
    ]
