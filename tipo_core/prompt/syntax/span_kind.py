"""The kinds of spans.

They have a file of their own because `scanner` and `qualifiers` both need them, and because
`pictures` uses them without loading the patterns of the scanner.
"""

from __future__ import annotations

from enum import Enum


class SpanKind(str, Enum):
    """The kind of a span of a prompt."""

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
    EMPHASIS = "emphasis"
    PARAMETER = "parameter"
    MARK = "mark"
