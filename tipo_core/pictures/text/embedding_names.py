"""Finds `embedding:name` in a prompt, and separates it so that ComfyUI's tokenizer reads it.

That tokenizer needs a blank before `embedding:`, and takes everything up to the next blank for the
name: of `embedding:a,embedding:b` and of `embedding:a,cat` nothing reaches CLIP. Here a name ends
with the longest name of a file, or else at the next separator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

PREFIX = "embedding:"
# ASCII: Chinese text is written without blanks.
_PREFIX = re.compile(r"(?<![A-Za-z0-9_])embedding:\s*", re.IGNORECASE)
_UP_TO_SEPARATOR = re.compile(r"(?:\\[()]|[^\s(),;:|<>\[\]{}\uff0c\u3001\uff1b])*")
_CHARACTER = re.compile(r"\\(?=[()])|[\s()]")


class NamedEmbedding(NamedTuple):
    """An `embedding:name` in a text: its name, whether a file has it, and its offsets."""

    name: str
    is_known: bool
    start: int
    end: int

    def is_written_as(self, text: str) -> bool:
        """Whether `text` has it with the small letters that ComfyUI wants."""
        return text.startswith(PREFIX, self.start)

    def words_note(self, text: str) -> str:
        """Return the note that `text` has it as words, with the remedy."""
        if not self.is_written_as(text):
            typed = text[self.start : self.end]
            return f"{typed} is read as words: write embedding: in small letters"
        return f"embedding:{self.name} was not found and is read as words"


@dataclass(frozen=True)
class EmbeddingNames:
    """The names by which files of the embeddings folders are found, such as `bad` and `sub/bad`."""

    names: frozenset[str] = frozenset()
    longest: int = 0

    @classmethod
    def of(cls, names: frozenset[str]) -> EmbeddingNames:
        """Return the names with the length of the longest."""
        return cls(names, max(map(len, names), default=0))

    def named_in(self, text: str, *, has_escapes: bool) -> Iterator[NamedEmbedding]:
        """Find every `embedding:name` of a text.

        With `has_escapes` the text is as typed: `\\(` is a bracket of a name, and `(` ends it.
        """
        found = _PREFIX.search(text)
        while found:
            name, end = self._known_at(text, found.end(), has_escapes)
            is_known = bool(name)
            if not name:
                end = _UP_TO_SEPARATOR.match(text, found.end()).end()  # type: ignore[union-attr]
                name = text[found.end() : end]
            yield NamedEmbedding(name, is_known, found.start(), end)
            found = _PREFIX.search(text, end)

    def _known_at(self, text: str, start: int, has_escapes: bool) -> tuple[str, int]:
        """Return the longest known name at `start` and the offset after it; '' if none."""
        characters, ends = [], []
        place = start
        while place < len(text) and len(characters) < self.longest + 2:
            special = _CHARACTER.match(text, place)
            if special and special[0] == "\\" and has_escapes:
                place += 1
            elif special and (has_escapes or special[0].isspace()):
                break
            characters.append(text[place])
            place += 1
            ends.append(place)
        run = "".join(characters)
        for length in range(min(len(run), self.longest), 0, -1):
            if run[:length] in self.names and not _continues(run, length):
                return run[:length], ends[length - 1]
        return "", start


def _continues(text: str, end: int) -> bool:
    """Whether the word at `end` goes on, as in `name2` or `name.v2` after `name`."""
    following, after = text[end : end + 1], text[end + 1 : end + 2]
    return following.isalnum() or following in ("_", "-") or (following == "." and after.isalnum())


def separated(text: str, names: EmbeddingNames) -> str:
    """Put a blank before and after each `embedding:name`; leave out one without a name.

    ComfyUI's tokenizer fails for an empty name. A text without embeddings is returned unchanged.
    """
    pieces, done = [], 0
    for found in names.named_in(text, has_escapes=True):
        if not found.is_written_as(text):
            continue
        pieces.append(text[done : found.start])
        done = found.end
        if not found.name:
            continue
        if found.start and text[found.start - 1] not in " \n":
            pieces.append(" ")
        pieces.append(text[found.start : found.end])
        if done < len(text) and not text[done].isspace():
            pieces.append(" ")
    return "".join([*pieces, text[done:]])
