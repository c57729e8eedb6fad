"""Cuts a prompt into units, each of which is tags or caption as a whole.

A unit is a segment of the prompt (the text between two commas), or one sentence of a segment.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import Enum

from ..sentences import split_sentences
from ..syntax.parse import Prompt, Segment, parse
from ..syntax.span_kind import SpanKind

_SENTENCE_END = re.compile(r"[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019)\]\u300d]*\Z")
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


@dataclass(frozen=True)
class Unit:
    """A segment, or a sentence of one: its offsets, its plain words and the cues of its form."""

    start: int
    end: int
    plain: str
    side: Side | None  # None: tags or caption, decided by `labels`
    ends_sentence: bool
    after_line_break: bool
    is_in_quotes: bool  # the quotes begin in an earlier unit
    is_typed_as_tag: bool  # with underscores or escaped parentheses


def cut_into_units(prompt: Prompt) -> list[Unit]:
    """Cut a prompt into its units, in order; the text between two units is separators."""
    line_breaks = [span.end for span in prompt.spans if span.kind is SpanKind.NEWLINE]
    quotes = [match.span() for match in _QUOTE.finditer(str(prompt))]
    breaks_before = 0  # line breaks before the last segment
    units: list[Unit] = []
    for segment in prompt.segments():
        breaks = bisect_right(line_breaks, segment.start)
        after_line_break, breaks_before = breaks > breaks_before, breaks
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
                    ends_sentence=len(plain) > 3 and _SENTENCE_END.search(plain) is not None,
                    after_line_break=after_line_break,
                    is_in_quotes=_is_inside(start, quotes),
                    is_typed_as_tag=_TYPED_AS_TAG.search(bare) is not None,
                )
            )
            after_line_break = False
    return units


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
    for sentence in split_sentences(segment.text):
        end += len(sentence)
        before = bisect_left(groups, (end, 0)) - 1  # the last group that starts before the end
        if before < 0 or groups[before][1] <= end:
            pieces.append((segment.text[begin - segment.start : end - segment.start], begin))
            begin = end
    if begin < end:
        pieces.append((segment.text[begin - segment.start :], begin))
    return pieces


def _is_inside(offset: int, ranges: list[tuple[int, int]]) -> bool:
    """Whether the offset lies in one of the ranges, after its start."""
    before = bisect_left(ranges, (offset, 0)) - 1
    return before >= 0 and offset < ranges[before][1]
