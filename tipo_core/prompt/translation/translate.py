"""The tags of a prompt's Chinese, Japanese, Korean and Russian words, by a dictionary.

Weights, LoRAs, embeddings, wildcards, comments and schedules are no words: only the text in them
that the picture shows is read.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import MappingProxyType

from ..vocabulary.translations import Dictionary, shipped_dictionary
from .clause_words import TranslatedWord
from .tag_grammar import compose_tags
from .wanted_text import text_ranges
from .word_cutting import IS_FOREIGN, cut_words, find_runs, is_japanese, is_korean
from .word_tokens import Token, is_latin, narrowed

# A text this many times longer than a run may have a remark in it.
_REMARK_IN = 10
# After these words of English a foreign word is a name or a text in the picture.
_NAMING = re.compile(
    r"(?:\b(?:named|called|nicknamed|names? (?:is|are|was)|titled?|surnamed|mr\.?|mrs\.?|miss"
    r"|says?|saying|reads?|reading|text)[ :]*[\"'\u201c\u2018\u300c(]*"
    r"|[A-Za-z]+ [\"\u201c\u300c])\Z",
    re.IGNORECASE,
)
_LONGEST_NAMING = 24  # characters
_PERSON_WORD = re.compile(
    r"girl|\bboys?\b|\d\+?boys?|\b(?:wo)?m[ae]n\b|\bpersons?\b|\bpeople\b", re.IGNORECASE
)
_ASCII_SIGNS = MappingProxyType(
    {
        **{ord("\uff0c"): ", ", ord("\u3001"): ", ", ord("\u3002"): ". ", ord("\uff61"): ". "},
        **{ord("\uff01"): "! ", ord("\uff1f"): "? ", ord("\u3000"): " "},
    }
)


@dataclass(frozen=True)
class Translation:
    """The words that the dictionary knows, in order, and the words that it lacks."""

    words: tuple[TranslatedWord, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of all words, each once."""
        return tuple(dict.fromkeys(tag for word in self.words for tag in word.tags))


def join_translations(parts: Iterable[Translation]) -> Translation:
    """Return the words of several texts as one translation."""
    found = list(parts)
    unknown = dict.fromkeys(word for one in found for word in one.unknown)
    return Translation(tuple(word for one in found for word in one.words), tuple(unknown))


def has_foreign_words(text: str) -> bool:
    """Whether the text has letters of one of the languages of the dictionary."""
    return IS_FOREIGN.search(text) is not None


def translate(text: str, japanese: bool | None = None) -> Translation:
    """Return the words of `text` with their tags. Latin text has none.

    Words with a weight of zero or less are unwanted and are left out. `japanese` says that words
    of two languages are Japanese; without it the letters decide.
    """
    if not has_foreign_words(text):
        return Translation()
    words: list[TranslatedWord] = []
    unknown: list[str] = []
    for run in _runs(text, False, japanese):
        words += run.words
        unknown += run.unknown
    return Translation(tuple(words), tuple(dict.fromkeys(unknown)))


def replace_words(text: str, spelled: Callable[[str], str] = str) -> str:
    """Return `text` with its foreign words replaced by their tags, all else verbatim.

    ``(\u732b:1.2)`` becomes ``(cat:1.2)``. Words that the dictionary lacks stay. Commas and
    stops of Chinese and Japanese between the words become those of English. `spelled` writes a tag.
    """
    if not has_foreign_words(text):
        return text
    pieces: list[tuple[str, bool]] = []  # a text, and whether it stands in place of words
    position = 0
    runs = deque(_runs(text))
    for first, last in text_ranges(text):
        pieces.append((text[position:first], False))
        position = first
        while runs and runs[0].start < last:
            run = runs.popleft()
            pieces.append((_with_ascii_signs(text[position : run.start]), False))
            new = run.replacement(spelled)
            pieces.append((new or text[run.start : run.end], bool(new)))
            position = run.end
        pieces.append((_with_ascii_signs(text[position:last]), False))
        position = last
    pieces.append((text[position:], False))
    replaced = _joined([piece for piece in pieces if piece[0]])
    return replaced if text[-1].isspace() else replaced.rstrip(" ")


def _joined(pieces: list[tuple[str, bool]]) -> str:
    """The pieces; a comma divides tags from a word directly beside them."""
    output: list[str] = []
    for place, (piece, is_tags) in enumerate(pieces):
        before, was_tags = pieces[place - 1] if place else ("", False)
        if (is_tags or was_tags) and before[-1:].isalnum() and piece[0].isalnum():
            output.append(", ")
        output.append(piece)
    return "".join(output)


@dataclass(frozen=True)
class _Run:
    """One run of foreign text: its offsets, its words, and the tokens that stay."""

    start: int
    end: int
    words: tuple[TranslatedWord, ...] = ()
    unknown: tuple[str, ...] = ()
    kept: tuple[Token, ...] = ()

    def replacement(self, spelled: Callable[[str], str]) -> str:
        """Return the text in place of the run, "" if it stays."""
        pieces = sorted(
            [(word.start, ", ".join(map(spelled, dict.fromkeys(word.tags)))) for word in self.words]
            + [(token.start, token.text) for token in self.kept]
        )
        return ", ".join(dict.fromkeys(piece for _, piece in pieces if piece.strip()))


def _runs(text: str, is_unwanted: bool = True, japanese: bool | None = None) -> list[_Run]:
    """The runs of a text; without `is_unwanted` those with a positive weight.

    A pronoun is a person only if the text names no other one.
    """
    words = shipped_dictionary()
    japanese = is_japanese(text) if japanese is None else japanese
    runs = [
        _run(text, first + start, first + end, words, japanese)
        for first, last in text_ranges(text, is_unwanted)
        for start, end in find_runs(text[first:last])
    ]
    has_pronoun = any(word.is_pronoun for run in runs for word in run.words)
    is_person = has_pronoun and (
        any(word.is_person for run in runs for word in run.words)
        or _PERSON_WORD.search(text) is not None
    )
    if not is_person:
        return runs
    return [
        replace(run, words=tuple(word for word in run.words if not word.is_pronoun)) for run in runs
    ]


def _run(text: str, start: int, end: int, words: Dictionary, japanese: bool) -> _Run:
    if _NAMING.search(text, max(0, start - _LONGEST_NAMING), start):
        return _Run(start, end)
    tokens = cut_words(text, start, end, words, japanese)
    if _is_remark(tokens, end - start, len(text)):
        return _Run(start, end, (), (text[start:end],))
    korean = is_korean(text[start:end])
    found = compose_tags(text, tokens, japanese or korean, korean, words.negated)
    latin = [token for token in tokens if is_latin(token)]
    # Letters as wide as Chinese ones are read as Latin letters.
    wide = [token for token in latin if not token.text.isascii()]
    found += [
        TranslatedWord(token.text, token.start, (narrowed(token.text).lower(),)) for token in wide
    ]
    found.sort(key=lambda word: word.start)
    kept = [token for token in tokens if token.is_unknown]
    kept += [token for token in latin if token.text.isascii()]
    unknown = tuple(token.text for token in tokens if token.is_unknown)
    return _Run(start, end, tuple(found), unknown, tuple(kept))


def _is_remark(tokens: list[Token], length: int, text_length: int) -> bool:
    """Whether a run is a remark in a longer text: most of it is not in the dictionary.

    Single words of a remark would mislead the model: ``\u5e38\u898b`` is no request.
    """
    unknown = sum(len(token.text) for token in tokens if token.is_unknown)
    return text_length > _REMARK_IN * length and 2 * unknown > length


def _with_ascii_signs(text: str) -> str:
    """Wide commas and stops as those of English, without a second blank after them."""
    if text.isascii():
        return text
    output = text.translate(_ASCII_SIGNS)
    return output if output == text else " ".join(output.split(" ")).replace("  ", " ")
