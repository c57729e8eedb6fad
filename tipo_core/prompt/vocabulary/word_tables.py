"""Read the word tables of `assets/slots`, and find their words in a text.

A table is a text file of sections: `[title]` begins one, `#` a comment. Words are compared
case-folded, with blanks for underscores and hyphens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "slots"
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[.,;:!?()]")
_PLAIN = {ord("_"): " ", ord("-"): " ", 0x2010: " ", 0x2011: " ", 0x2013: " ", 0x2019: "'"}
# Words that `_` in a phrase may stand for.
_MOST_GAP = 2

Found = TypeVar("Found")


def sections(name: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the title and the lines of each section of a table in `assets/slots`.

    Raises ValueError if the file is missing.
    """
    path = FOLDER / name
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ValueError(
            f"word table '{path}' cannot be read ({error}): install the pack again"
        ) from error
    title = ""
    lines: list[str] = []
    for row in text.splitlines():
        line = row.partition("#")[0].strip()
        if line.startswith("[") and line.endswith("]"):
            if title:
                yield title, lines
            title, lines = line[1:-1].strip(), []
        elif line:
            lines.append(line)
    if title:
        yield title, lines


def entries(lines: Iterable[str]) -> Iterator[str]:
    """Yield the entries of lines, which commas separate."""
    for line in lines:
        for entry in line.split(","):
            if entry.strip():
                yield entry.strip()


def folded(text: str) -> str:
    """Return the form in which words are compared."""
    return " ".join(text.translate(_PLAIN).casefold().split())


def tokens(text: str) -> list[str]:
    """Return the words and stops of a text, in the form in which they are compared."""
    return _TOKEN.findall(text.translate(_PLAIN).casefold())


@dataclass(frozen=True)
class Match(Generic[Found]):
    """A phrase that was found: its words are `tokens[start:end]`."""

    start: int
    end: int
    found: Found


class PhraseTable(Generic[Found]):
    """Phrases and the value of each; ` _ ` in a phrase stands for up to two words of `gap`."""

    def __init__(self, phrases: Mapping[str, Found], gap: frozenset[str] = frozenset()) -> None:
        self._gap = gap
        self._whole: dict[tuple[str, ...], Found] = {}
        self._split: dict[tuple[str, ...], Found] = {}
        # The numbers of words of the phrases that begin with a word, the largest first.
        self._lengths: dict[str, list[int]] = {}
        self._beginnings: set[str] = set()
        for phrase, found in phrases.items():
            words = tuple(phrase.split())
            if "_" in words:
                # A gap follows the first word: `long _ hair`, `light _ tank top`.
                parts = (words[0], *words[2:])
                self._split[parts] = found
                self._beginnings.add(words[0])
            else:
                self._whole[words] = found
                self._lengths.setdefault(words[0], []).append(len(words))
        for word, lengths in self._lengths.items():
            self._lengths[word] = sorted(set(lengths), reverse=True)

    def has(self, words: Sequence[str]) -> bool:
        """Return whether the words are one phrase, without a gap."""
        return tuple(words) in self._whole

    def at(self, words: Sequence[str], place: int) -> Match[Found] | None:
        """Return the longest phrase without a gap that begins at `place`."""
        for length in self._lengths.get(words[place], ()) if place < len(words) else ():
            found = self._whole.get(tuple(words[place : place + length]))
            if found is not None and place + length <= len(words):
                return Match(place, place + length, found)
        return None

    def matches(self, words: Sequence[str]) -> Iterator[Match[Found]]:
        """Yield the phrases in `words`: the longest at each place, none inside another.

        A phrase with a gap may overlap another: `long black hair` has two.
        """
        place = 0
        while place < len(words):
            end = place + 1
            for length in self._lengths.get(words[place], ()):
                if place + length > len(words):
                    continue
                found = self._whole.get(tuple(words[place : place + length]))
                if found is not None:
                    end = place + length
                    yield Match(place, end, found)
                    break
            else:
                yield from self._with_gap(words, place)
            place = end

    def _with_gap(self, words: Sequence[str], place: int) -> Iterator[Match[Found]]:
        if words[place] not in self._beginnings:
            return
        for skipped in range(_MOST_GAP + 1):
            start = place + 1 + skipped
            for length in (2, 1):
                found = self._split.get((words[place], *words[start : start + length]))
                if found is not None and start + length <= len(words):
                    yield Match(place, start + length, found)
                    return
            if start >= len(words) or words[start] not in self._gap:
                return
