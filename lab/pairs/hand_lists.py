"""Read the lists that were written by hand: kinds, stop words, aliases, scenes, exclusive tags."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LISTS = Path(__file__).with_name("lists")
# The share of pictures of a subject that have a tag, for each mark of the scene lists.
MARKS = {"+": 0.5, ".": 0.3, "?": 0.14}
NEVER = "-"
PERSON_FILES = ("scenes_persons", "scenes_roles")


@dataclass(frozen=True)
class Scene:
    """Subjects, and for each fitting tag its share of their pictures; 0 for an unfit tag.

    A scene of persons holds only for pictures with persons.
    """

    subjects: tuple[str, ...]
    shares: dict[str, float]
    is_of_persons: bool = False


def _lines(path: Path) -> Iterator[str]:
    for line in path.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _labelled(path: Path) -> Iterator[tuple[str, list[str]]]:
    for line in _lines(path):
        label, _, words = line.partition(": ")
        yield label.strip(), _words(words)


def read_kinds(folder: Path = LISTS) -> dict[str, str]:
    """Return the kind of each word in ``kinds.txt``."""
    return {word: kind for kind, words in _labelled(folder / "kinds.txt") for word in words}


def read_aliases(folder: Path = LISTS) -> dict[str, str]:
    """Return the entry that each alias of ``aliases.txt`` means."""
    return {word: entry for entry, words in _labelled(folder / "aliases.txt") for word in words}


def read_stop(folder: Path = LISTS) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """Return the words that are no entries, and the pairs (in both orders) that are left out."""
    words: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    for label, others in _labelled(folder / "stop.txt"):
        if label == "words":
            words.update(others)
        else:
            pairs.update((label, other) for other in others)
            pairs.update((other, label) for other in others)
    return frozenset(words), frozenset(pairs)


def read_apart(folder: Path = LISTS) -> list[tuple[list[str], list[str]]]:
    """Return the sides of each line of ``apart.txt``: no picture has a word of both.

    A line without ``|`` means that no two of its words go together.
    """
    found = []
    for line in _lines(folder / "apart.txt"):
        left, bar, right = line.partition("|")
        found.append((_words(left), _words(right) if bar else _words(left)))
    return found


def read_scenes(folder: Path = LISTS) -> list[Scene]:
    """Return the scenes of all ``scenes_*.txt``. Raises ValueError for an unknown mark."""
    scenes: list[Scene] = []
    for path in sorted(folder.glob("scenes_*.txt")):
        for line in _lines(path):
            mark, _, text = line.partition(" ")
            if mark == "=":
                is_of_persons = path.stem in PERSON_FILES
                scenes.append(Scene(tuple(_words(text)), {}, is_of_persons))
            elif mark in MARKS:
                scenes[-1].shares.update((word, MARKS[mark]) for word in _words(text))
            elif mark == NEVER:
                scenes[-1].shares.update((word, 0.0) for word in _words(text))
            else:
                raise ValueError(f"'{path}' has a line with the unknown mark '{mark}': '{line}'")
    return scenes
