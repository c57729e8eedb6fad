"""Cuts a prompt into units, each of which is tags or caption as a whole.

A unit is a segment of the prompt (the text between two commas), or one sentence of a segment.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from enum import Enum
from typing import NamedTuple

from ..sentences import split_sentences
from ..syntax.parse import Prompt, Segment, parse
from ..syntax.span_kind import SpanKind

_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
# ``david a. hardy``, ``h. r. giger``
_INITIAL = re.compile(r"(?<![^\W_])[^\W\d_]\.\s*\Z")
_STOP = re.compile(r"[.!?\u2026\u3002\uff01\uff1f]")
_TYPED_AS_TAG = re.compile(r"[^\W_]_[^\W_]|\\[()]|[^\W_]_\(")
_QUOTE = re.compile(
    r"(?<![^\s(\[,:])(?:\"[^\s\"][^\"\r\n]{0,200}\"|\u201c[^\u201c\u201d\r\n]{1,200}\u201d)"
)
_NETWORKS = frozenset({SpanKind.ANGLE, SpanKind.EMBEDDING})


class Side(str, Enum):
    """The side that a part of the prompt belongs to. Separators and blanks belong to none."""

    TAGS = "tags"
    CAPTION = "caption"
    NETWORKS = "networks"
    REST = "rest"
    SEPARATOR = "separator"


class Unit(NamedTuple):
    """A segment, or a sentence of one: its offsets, its plain words and the cues of its form."""

    start: int
    end: int
    plain: str
    side: Side | None  # None: tags or caption, decided by `labels`
    pieces: tuple[str, ...]  # plain; several for a group of tags, or for groups in a row
    separator: str  # before it: , or w (Chinese), n (line break), s (blanks), x (another side)
    is_in_quotes: bool  # the quotes begin in an earlier unit
    is_typed_as_tag: bool  # with underscores or escaped parentheses
    is_group: bool  # brackets around all of it


def cut_into_units(prompt: Prompt) -> list[Unit]:
    """Cut a prompt into its units, in order; the text between two units is separators."""
    whole = str(prompt)
    quotes = [match.span() for match in _QUOTE.finditer(whole)]
    units: list[Unit] = []
    end = 0  # of the unit before
    is_after_words = True
    for segment in prompt.segments():
        whole_side = _side_without_words(segment)
        for text, start in [(segment.text, segment.start)] if whole_side else _sentences(segment):
            bare = text.rstrip()
            is_whole = len(bare) == len(segment.text)
            side = whole_side if is_whole else _side_of_piece(bare)
            plain = segment.plain if is_whole else " ".join(bare.split())
            units.append(
                Unit(
                    start=start,
                    end=start + len(bare),
                    plain=plain,
                    side=side,
                    pieces=_pieces(segment) if is_whole else (plain,),
                    separator=_separator(whole[end:start]) if is_after_words else "x",
                    is_in_quotes=bool(quotes) and _is_inside(start, quotes),
                    is_typed_as_tag=("_" in bare or "\\" in bare)
                    and _TYPED_AS_TAG.search(bare) is not None,
                    is_group=bare[:1] in _OPENING and bare[-1:] in _CLOSING,
                )
            )
            is_after_words = side is None
            end = start + len(bare)
    return units


def _separator(between: str) -> str:
    """The kind of the text between two units."""
    if between == ", ":
        return ","
    if "\n" in between or "\r" in between:
        return "n"
    if "," in between:
        return ","
    return "w" if between.strip() else "s"


def _pieces(segment: Segment) -> tuple[str, ...]:
    """The plain texts that a segment is judged by: its tags, or those of its groups in a row."""
    if len(segment.words) > 1 or len(segment.spans) == 1:
        return segment.words
    groups = [span for span in segment.spans if span.kind is SpanKind.WEIGHT]
    if len(groups) < 2 or any(
        span.text.strip() for span in segment.spans if span.kind is not SpanKind.WEIGHT
    ):
        return segment.words
    inner = [part for group in groups for part in parse(group.text).segments()]
    return tuple(word for part in inner for word in part.words) or segment.words


def _side_without_words(segment: Segment) -> Side | None:
    """The side of a segment without words, such as a LoRA; None for a segment with words."""
    if segment.words:
        return None
    kinds = {span.kind for span in segment.spans}
    if SpanKind.EMPHASIS in kinds:
        return Side.TAGS  # ``-1::hat::`` has no words for the model
    return Side.NETWORKS if kinds & _NETWORKS else Side.REST


def _side_of_piece(piece: str) -> Side | None:
    """The side of a piece after a sentence, such as ``A cat. embedding:soft``."""
    if not (piece.startswith("__") or piece[:10].lower() == "embedding:"):
        return None
    inside = parse(piece).segments()
    return _side_without_words(inside[0]) if len(inside) == 1 else None


def _sentences(segment: Segment) -> list[tuple[str, int]]:
    """The sentences of a segment with their offsets; groups are never cut."""
    if not _STOP.search(segment.text):
        return [(segment.text, segment.start)]
    groups = [
        (s.start, s.end) for s in segment.spans if s.kind not in (SpanKind.WORD, SpanKind.ESCAPE)
    ]
    pieces: list[tuple[str, int]] = []
    begin = end = segment.start
    text, offset = segment.text, segment.start
    for sentence in split_sentences(text):
        end += len(sentence)
        if text[end - offset : end - offset + 1].islower() and _INITIAL.search(
            text, max(0, end - offset - 8), end - offset
        ):
            continue
        before = bisect_left(groups, (end, 0)) - 1  # the last group that starts before the end
        if before < 0 or groups[before][1] <= end:
            pieces.append((text[begin - offset : end - offset], begin))
            begin = end
    if begin < end:
        pieces.append((text[begin - offset :], begin))
    return pieces


def _is_inside(offset: int, ranges: list[tuple[int, int]]) -> bool:
    """Whether the offset lies in one of the ranges, after its start."""
    before = bisect_left(ranges, (offset, 0)) - 1
    return before >= 0 and offset < ranges[before][1]
