"""The tags of a prompt's Chinese, Japanese, Korean and Russian words, by a dictionary.

Weights, LoRAs, embeddings, wildcards, comments and schedules are no words: only the text in them
that the picture shows is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from ..syntax.parse import Spans, parse
from ..syntax.span_kind import SpanKind
from ..vocabulary.translations import Dictionary, shipped_dictionary
from .tag_grammar import TranslatedWord, compose_tags
from .word_cutting import IS_FOREIGN, Token, cut_words, find_runs, is_japanese, is_korean

_GROUPS = frozenset((SpanKind.WEIGHT, SpanKind.SCHEDULE, SpanKind.ALTERNATION))
_TEXTS = frozenset((SpanKind.WORD, SpanKind.QUALIFIER, SpanKind.SEPARATOR))
# A text this many times longer than a run may have a remark in it.
_REMARK_IN = 10
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


def translate(text: str) -> Translation:
    """Return the words of `text` with their tags. Latin text has none."""
    if not has_foreign_words(text):
        return Translation()
    words: list[TranslatedWord] = []
    unknown: list[str] = []
    for run in _runs(text):
        words += run.words
        unknown += run.unknown
    return Translation(tuple(words), tuple(dict.fromkeys(unknown)))


def replace_words(text: str) -> str:
    """Return `text` with its foreign words replaced by their tags, all else verbatim.

    ``(\u732b:1.2)`` becomes ``(cat:1.2)``. Words that the dictionary lacks stay. Commas and
    stops of Chinese and Japanese between the words become those of English.
    """
    if not has_foreign_words(text):
        return text
    words, japanese = shipped_dictionary(), is_japanese(text)
    pieces: list[tuple[str, bool]] = []  # a text, and whether it stands in place of words
    position = 0
    for first, last in _text_ranges(parse(text).spans):
        pieces.append((text[position:first], False))
        position = first
        for start, end in find_runs(text[first:last]):
            run = _run(text, first + start, first + end, words, japanese)
            pieces.append((_with_ascii_signs(text[position : run.start]), False))
            pieces.append((run.replacement or text[run.start : run.end], bool(run.replacement)))
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
    """One run of foreign text: its offsets, its words, and the text in its place."""

    start: int
    end: int
    words: tuple[TranslatedWord, ...]
    unknown: tuple[str, ...]
    replacement: str


def _runs(text: str) -> Iterator[_Run]:
    words = shipped_dictionary()
    japanese = is_japanese(text)
    for first, last in _text_ranges(parse(text).spans):
        piece = text[first:last]
        for start, end in find_runs(piece):
            yield _run(text, first + start, first + end, words, japanese)


def _run(text: str, start: int, end: int, words: Dictionary, japanese: bool) -> _Run:
    tokens = cut_words(text, start, end, words, japanese)
    if _is_remark(tokens, end - start, len(text)):
        return _Run(start, end, (), (text[start:end],), "")
    korean = is_korean(text[start:end])
    found = tuple(compose_tags(text, tokens, japanese or korean, has_blanks=korean))
    kept = [token for token in tokens if token.is_unknown or _is_latin(token)]
    pieces = sorted(
        [(word.start, ", ".join(dict.fromkeys(word.tags))) for word in found]
        + [(token.start, token.text) for token in kept]
    )
    replacement = ", ".join(dict.fromkeys(piece for _, piece in pieces if piece.strip()))
    unknown = tuple(token.text for token in tokens if token.is_unknown)
    return _Run(start, end, found, unknown, replacement)


def _is_remark(tokens: list[Token], length: int, text_length: int) -> bool:
    """Whether a run is a remark in a longer text: most of it is not in the dictionary.

    Single words of a remark would mislead the model: ``\u5e38\u898b`` is no request.
    """
    unknown = sum(len(token.text) for token in tokens if token.is_unknown)
    return text_length > _REMARK_IN * length and 2 * unknown > length


def _is_latin(token: Token) -> bool:
    return token.entry is None and token.text.isascii() and not token.text.isspace()


def _text_ranges(spans: Spans) -> Iterator[tuple[int, int]]:
    """The ranges of words and commas in spans and in their groups, in order."""
    open_spans = [iter(spans)]
    while open_spans:
        span = next(open_spans[-1], None)
        if span is None:
            open_spans.pop()
        elif span.kind in _GROUPS:
            open_spans.append(iter(span.children))
        elif span.kind in _TEXTS:
            yield span.start, span.end


def _with_ascii_signs(text: str) -> str:
    """Wide commas and stops as those of English, without a second blank after them."""
    if text.isascii():
        return text
    output = text.translate(_ASCII_SIGNS)
    return output if output == text else " ".join(output.split(" ")).replace("  ", " ")
