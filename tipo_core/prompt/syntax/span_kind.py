"""What a piece of a prompt can be."""

from __future__ import annotations

from enum import Enum


class SpanKind(str, Enum):
    """What a span of the prompt is."""

    WORD = "word"
    SEPARATOR = "separator"
    NEWLINE = "newline"
    ESCAPE = "escape"
    COMMENT = "comment"
    WEIGHT = "weight"
    QUALIFIER = "qualifier"
    SCHEDULE = "schedule"
    ALTERNATION = "alternation"
    WILDCARD = "wildcard"
    ANGLE = "angle"
    EMBEDDING = "embedding"
    BREAK = "break"
    MARK = "mark"
