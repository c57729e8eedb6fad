"""The dictionary from Chinese, Japanese, Korean and Russian words to tags.

Its files lie in ``assets/translations``, whose README names their sources:

- ``words.txt``, written by hand: the commonest words and the words of grammar. A line is
  ``tag, tag = Chinese words / Japanese words / Korean words``; a section names the words' kind.
- ``table.txt.gz``, built by ``lab.translations``: a line is the kind, the tag and the words of each
  language, separated by tabs; a bar separates the words of one language.
- ``folding.txt``: pairs of a traditional Chinese character and the simplified one.

The files are read on first use.
"""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import NamedTuple

TRANSLATIONS_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "translations"
_REMEDY = "copy the folder of the pack again"
# Endings of Russian nouns and adjectives; a stem keeps at least three letters.
_RUSSIAN_ENDING = re.compile(
    r"(?<=\w{3})(?:\u044b\u043c\u0438|\u0438\u043c\u0438|\u0430\u043c\u0438|\u044f\u043c\u0438"
    r"|[\u043e\u0435]\u0433\u043e|[\u043e\u0435]\u043c\u0443|[\u0430\u044f][\u044f\u0445\u043c]"
    r"|[\u044b\u0438\u043e\u0435][\u0439\u0435\u043c\u0445]|[\u0443\u044e]\u044e|[\u043e\u0435]\u0432"
    r"|\u044c\u044e|[\u0430\u044f\u043e\u0435\u0443\u044e\u044b\u0438\u044c\u0439])\Z"
)


# A vowel that only the genitive plural has: ``devushek`` of ``devushka``.
_FLEETING_VOWEL = re.compile(r"(?<=\w{2}[\u0448\u0447\u0436])\u0435(?=\u043a\Z)")
# ``-go issneun``: a verb before a noun; at the end of a sentence it has other endings.
_KOREAN_CONTINUOUS = " \uc788\ub294"


class Language(str, Enum):
    """The languages of the dictionary, in the order of a line of its files."""

    CHINESE = "zh"
    JAPANESE = "ja"
    KOREAN = "ko"
    RUSSIAN = "ru"


class WordKind(str, Enum):
    """How a word combines with its neighbours; the names of the sections of ``words.txt``.

    COLOUR and ADJECTIVE stand before a THING or person. GIRL, BOY and PERSON count persons. HOLD is
    the verb of a thing in the hand. PRONOUN is a person if no other one is named. The last eight
    have no tag of their own; NOT takes that of its neighbour.
    """

    COLOUR = "colour"
    ADJECTIVE = "adjective"
    GIRL = "girl"
    BOY = "boy"
    PERSON = "person"
    THING = "thing"
    OTHER = "other"
    NAME = "name"
    HOLD = "hold"
    PRONOUN = "pronoun"
    NOT = "not"
    NUMBER = "number"
    MEASURE = "measure"
    PLURAL = "plural"
    AND = "and"
    OF = "of"
    COPULA = "copula"
    SKIP = "skip"


class Entry(NamedTuple):
    """A word of the dictionary: its kind and its tags."""

    kind: WordKind
    tags: tuple[str, ...]


class Line(NamedTuple):
    """A line of the files: the kind, the tags, and the words of each language."""

    kind: WordKind
    tags: tuple[str, ...]
    words: Mapping[Language, tuple[str, ...]]


@dataclass(frozen=True)
class Dictionary:
    """The words of all languages.

    In `chinese_first` a word that Chinese and Japanese share has its Chinese meaning, in
    `japanese_first` its Japanese one. `lengths` are the lengths of the words that begin with a
    character, the longest first. `russian` has stems; `folding` maps traditional characters.
    `negated` are the tags that say what is missing: ``no hat``. `russian_words` has whole words,
    each with the entry of its own line.
    """

    chinese_first: Mapping[str, Entry]
    japanese_first: Mapping[str, Entry]
    lengths: Mapping[str, tuple[int, ...]]
    russian: Mapping[str, Entry]
    folding: Mapping[int, str]
    negated: frozenset[str] = frozenset()
    russian_words: Mapping[str, Entry] = field(default_factory=dict)


def read_words(text: str) -> Iterator[Line]:
    """Yield the lines of ``words.txt``. Raises ValueError for a line of another form."""
    kind: WordKind | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            kind = WordKind(line.strip("[]"))
            continue
        tags, equals, words = line.partition("=")
        if kind is None or not equals:
            raise ValueError(f"line {number} of the dictionary is {raw!r}: write 'tag = words'")
        groups = [group.replace("_", " ") for group in _grouped(words)]
        by_language = dict(zip(Language, map(_split_words, groups), strict=False))
        yield Line(kind, tuple(tag.strip() for tag in tags.split(",") if tag.strip()), by_language)


def _grouped(words: str) -> list[str]:
    """The words of each language; ``_`` is protected from the split at blanks."""
    return ["|".join(group.split()) for group in words.split("/")]


def _split_words(group: str) -> tuple[str, ...]:
    return tuple(word for word in group.split("|") if word)


def read_table(text: str) -> Iterator[Line]:
    """Yield the lines of the unpacked ``table.txt.gz``."""
    for line in text.splitlines():
        kind, tag, *groups = line.split("\t")
        words = dict(zip(Language, map(_split_words, groups), strict=False))
        yield Line(WordKind(kind), (tag,), words)


def write_table(lines: Iterable[Line]) -> str:
    """Return the text that `read_table` reads."""
    rows = [
        "\t".join(
            (line.kind.value, *line.tags, *("|".join(line.words.get(one, ())) for one in Language))
        )
        for line in lines
    ]
    return "".join(f"{row}\n" for row in rows)


def russian_stem(phrase: str) -> str:
    """Return the words of a Russian phrase without their endings, in lower case."""
    words = phrase.lower().replace("\u0451", "\u0435").split()
    return " ".join(_FLEETING_VOWEL.sub("", _RUSSIAN_ENDING.sub("", word)) for word in words)


def build_dictionary(lines: Iterable[Line], folding: Mapping[int, str]) -> Dictionary:
    """Return the dictionary of `lines`; the first line with a word gives its meaning."""
    by_language: dict[Language, dict[str, Entry]] = {language: {} for language in Language}
    negated: set[str] = set()
    russian_words: dict[str, Entry] = {}
    for line in lines:
        negated.update(tag for tag in line.tags if tag.startswith("no "))
        entry = Entry(line.kind, line.tags)
        for language, words in line.words.items():
            known = by_language[language]
            for word in words:
                if language is Language.RUSSIAN:
                    russian_words.setdefault(word.lower(), entry)
                    known.setdefault(russian_stem(word), entry)
                    continue
                for form in _forms(word, language):
                    known.setdefault(form, entry)
    chinese, japanese = by_language[Language.CHINESE], by_language[Language.JAPANESE]
    korean = by_language[Language.KOREAN]
    lengths: dict[str, set[int]] = {}
    for word in (*chinese, *japanese, *korean):
        lengths.setdefault(word[0], set()).add(len(word))
    return Dictionary(
        {**korean, **japanese, **chinese},
        {**korean, **chinese, **japanese},
        {first: tuple(sorted(found, reverse=True)) for first, found in lengths.items()},
        by_language[Language.RUSSIAN],
        folding,
        frozenset(negated),
        russian_words,
    )


def _forms(word: str, language: Language) -> Iterator[str]:
    """The spellings of a word: Korean ones also without blanks, and a verb at a sentence's end."""
    lower = word.lower()
    yield lower
    if language is Language.KOREAN and " " in lower:
        yield lower.replace(" ", "")
        if lower.endswith(_KOREAN_CONTINUOUS):
            for ending in ("\ub2e4", "\uace0", "\uc2b5\ub2c8\ub2e4"):
                yield f"{lower[:-1]}{ending}"
                yield f"{lower[:-1]}{ending}".replace(" ", "")


def read_folding(text: str) -> dict[int, str]:
    """Return the map of ``folding.txt``: pairs of characters separated by blanks."""
    pairs = [
        pair for line in text.splitlines() if not line.startswith("#") for pair in line.split()
    ]
    return {ord(pair[0]): pair[1] for pair in pairs}


def read_dictionary(folder: Path) -> Dictionary:
    """Read the files of `folder`. Raises ValueError if one is missing or damaged."""
    try:
        words = (folder / "words.txt").read_text("utf-8")
        table = gzip.decompress((folder / "table.txt.gz").read_bytes()).decode("utf-8")
        folding = (folder / "folding.txt").read_text("utf-8")
        lines = [*read_words(words), *read_table(table)]
        return build_dictionary(lines, read_folding(folding))
    except (OSError, EOFError, ValueError) as error:
        raise ValueError(f"dictionary '{folder}' cannot be read ({error}): {_REMEDY}") from error


_lock = threading.Lock()
_loaded: list[Dictionary] = []  # the shipped dictionary, after the first look-up


def shipped_dictionary() -> Dictionary:
    """Return the dictionary of the pack, read on the first call."""
    if not _loaded:
        with _lock:
            if not _loaded:
                _loaded.append(read_dictionary(TRANSLATIONS_FOLDER))
    return _loaded[0]
