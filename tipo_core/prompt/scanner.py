"""The scanner under ``syntax``: text in, pieces ``(kind, start, end)`` out, in linear time.

The rules, in the order in which they are tried at each place:

- a comment runs from ``#`` to the end of its line, where ``#`` is the line's first character or
  has blanks on both sides;
- ``\\(`` and the like are escapes; ``<name:...>`` is an angle tag; ``__name__``, ``$$``, ``${x}``
  and ``{a|b}`` are wildcards;
- ``(a)``, ``(a:1.2)``, ``[a]`` and ``{a}`` are weights; ``[a:b:0.5]`` is a schedule, ``[a|b]`` an
  alternation; brackets without a partner are words, and so are emoticons such as ``:)``;
- ``name (series)`` is one tag: its ``(series)`` is a qualifier, not a weight. It needs a word that
  is no function word before it, no number in it, and the end of the tag after it;
- groups nested more than ``MAX_NESTING`` deep are words: only the innermost levels count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from types import MappingProxyType

MAX_NESTING = 16
# The longest ``:1.2`` at the end of a group; a longer one is words.
TAIL_WINDOW = 40


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


_TOKEN = re.compile(
    r"""
      (?:[^\\()\[\]{}<|\#_$]+ | _(?!_))+                                              # words
    | ( (?:(?<![^\r\n])\#|(?<=[ \t])\#(?=[ \t\r\n]|\Z)) [^\r\n]* )                    # 1 comment
    | ( (?:\\[()\[\]{}<>|\#])+ )                                                     # 2 escape
    | ( <[A-Za-z][\w-]*:[^<>\r\n]*> )                                                # 3 angle tag
    | ( __(?:[^\W_]|[-/.*+~]|_(?!_))+__ | \$\$(?:[\w-]+\$\$)? | \$\{[^{}\r\n]*\} )   # 4 wildcard
    | (?<=[:;=])(?<![^\s,][:;=])[()](?=[ \t]*(?:[,\uff0c\u3001\r\n]|\Z))             # emoticon
    | ( \([^()\[\]{}<\\\#]*\) | \[[^()\[\]{}<\\\#]*\] | \{[^()\[\]{}<\\\#]*\} )      # 5 flat group
    | ( [(\[{]+ )                                                                    # 6 opens
    | ( [)\]}]+ )                                                                    # 7 closes
    | ( \| )                                                                         # 8 bar
    | .                                                                              # other
    """,
    re.VERBOSE | re.DOTALL,
)
_FLAT, _OPENS, _CLOSES, _BAR = 5, 6, 7, 8
_SIMPLE = MappingProxyType(
    {1: SpanKind.COMMENT, 2: SpanKind.ESCAPE, 3: SpanKind.ANGLE, 4: SpanKind.WILDCARD}
)
_OPENER = MappingProxyType({")": "(", "]": "[", "}": "{"})
_WORDS = re.compile(r"[^,\uff0c\u3001\r\n]+|(?:[,\uff0c\u3001][ \t]*)+|[\r\n]+")
_KIND_OF_FIRST = MappingProxyType(
    {
        ",": SpanKind.SEPARATOR,
        "\uff0c": SpanKind.SEPARATOR,
        "\u3001": SpanKind.SEPARATOR,
        "\r": SpanKind.NEWLINE,
        "\n": SpanKind.NEWLINE,
    }
)
# AND between capitals, as in ``CATS AND DOGS``, is a word.
_KEYWORD = re.compile(
    r"(?<!\w)(?:(BREAK(?!\w)|(?<![A-Z] )AND(?!\w))|([Ee]mbedding:[^\s,:()\[\]{}<>|]+))"
)
# A weight, or the times of a schedule, at the end of a group.
TIMES_TAIL = re.compile(r":\s*[-+]?(?:\d+\.?\d*|\.\d+)%?(?:\s*,\s*(?:\d+\.?\d*|\.\d+)%?)*\s*\Z")
WEIGHT_TAIL = re.compile(r":\s*[-+]?(?:\d+\.?\d*|\.\d+)\s*\Z")
_COLON = re.compile(r"[^:]+|:")
_BRACKET_OR_BAR = re.compile(r"\\.|[()\[\]{}|]", re.DOTALL)
_AFTER_QUALIFIER = re.compile(
    r"_\(|[ \t]*(?:[,\uff0c\u3001\r\n)\]|<\#(]|\Z|:\s*[\d.]+\s*(?:\Z|[)\]]))"
)
_NOT_IN_QUALIFIER = re.compile(r"[,\uff0c\u3001\r\n|()\[\]{}<>]")
# ``a photo of (cats)`` weighs ``cats``: a tag's name does not end in one of these.
_FUNCTION_WORDS = frozenset(
    (
        *("a", "an", "the", "of", "with", "and", "or", "in", "on", "at", "by", "to", "from"),
        *("for", "into", "over", "under", "near", "her", "his", "its", "their", "my", "your"),
        *("this", "that", "these", "those", "is", "are", "was", "were", "as", "but", "very"),
    )
)
Piece = tuple[SpanKind, str]


def scan(text: str, pos: int, end: int, marks: str = "") -> list[Piece]:
    """Pieces ``(kind, text)`` that tile ``text[pos:end]``, outermost groups as one piece.

    ``marks`` are the characters that split words here and become MARK pieces.
    """
    pieces: list[Piece] = []
    done = pos
    for kind, a, b in _special(text, pos, end, marks):
        if a > done:
            pieces += _words(text, done, a, marks)
        pieces.append((kind, text[a:b]))
        done = b
    if end > done:
        pieces += _words(text, done, end, marks)
    if "BREAK" in text or "AND" in text or "mbedding:" in text:
        pieces = [part for piece in pieces for part in _split_at_keywords(piece)]
    if ":" in marks:
        pieces = [part for piece in pieces for part in _split_at_colons(piece)]
    return pieces


def _words(text: str, a: int, b: int, marks: str) -> list[Piece]:
    """``text[a:b]``, which holds words and separators only, cut at the separators."""
    kind_of, word = _KIND_OF_FIRST.get, SpanKind.WORD
    return [(kind_of(part[0], word), part) for part in _WORDS.findall(text, a, b)]


def _special(text: str, pos: int, end: int, marks: str) -> list[tuple[SpanKind, int, int]]:
    """What is neither word nor separator, as ``(kind, start, end)`` in order."""
    found: list[tuple[SpanKind, int, int]] = []
    # One entry an open bracket in each: its offset, the length of ``found`` before it, and the
    # nesting of the groups inside it (which has one entry more, for the outside).
    opened: list[int] = []
    sizes: list[int] = []
    nesting = [0]
    waiting = {"(": 0, "[": 0, "{": 0}
    for match in _TOKEN.finditer(text, pos, end):
        index = match.lastindex
        if index is None:
            continue
        a, b = match.span()
        if index == _FLAT:
            found.append((SpanKind.WEIGHT, a, b))
            if not nesting[-1]:
                nesting[-1] = 1
        elif index == _OPENS:
            opened += range(a, b)
            sizes += [len(found)] * (b - a)
            nesting += [0] * (b - a)
            for bracket in waiting:
                waiting[bracket] += text.count(bracket, a, b)
        elif index == _CLOSES:
            for offset in range(a, b):
                bracket = _OPENER[text[offset]]
                if not waiting[bracket]:
                    continue  # a closing bracket alone is a word
                inside, other = 0, ""
                while other != bracket:  # brackets without a partner on the way are words
                    start, size, inner = opened.pop(), sizes.pop(), nesting.pop()
                    other = text[start]
                    waiting[other] -= 1
                    inside = inner if inner > inside else inside
                if inside < MAX_NESTING:
                    found[size:] = [(SpanKind.WEIGHT, start, offset + 1)]
                if inside >= nesting[-1]:
                    nesting[-1] = inside + 1
        elif index != _BAR:
            found.append((_SIMPLE[index], a, b))
        elif "|" in marks and not opened:
            found.append((SpanKind.MARK, a, b))
    return [
        (_group_kind(text, pos, a, b, end), a, b) if kind is SpanKind.WEIGHT else (kind, a, b)
        for kind, a, b in found
    ]


def _group_kind(text: str, pos: int, a: int, b: int, end: int) -> SpanKind:
    """What the bracketed ``text[a:b]`` is, seen from the text around it in ``[pos, end)``."""
    bracket = text[a]
    if bracket == "(":
        if a > pos and text[a - 1] in " _" and _is_qualifier(text, pos, a, b, end):
            return SpanKind.QUALIFIER
        return SpanKind.WEIGHT
    if bracket == "[" and TIMES_TAIL.search(text, max(a, b - 1 - TAIL_WINDOW), b - 1):
        return SpanKind.SCHEDULE
    if text.find("|", a, b) >= 0 and _has_own_bar(text, a + 1, b - 1):
        return SpanKind.ALTERNATION if bracket == "[" else SpanKind.WILDCARD
    if bracket == "{" and text.find("$$", a, b) >= 0:
        return SpanKind.WILDCARD
    return SpanKind.WEIGHT


def _has_own_bar(text: str, a: int, b: int) -> bool:
    """Whether ``text[a:b]`` has a ``|`` outside all inner brackets."""
    depth = 0
    for match in _BRACKET_OR_BAR.finditer(text, a, b):
        mark = match.group()
        if mark == "|":
            if depth <= 0:
                return True
        elif mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
    return False


def _is_qualifier(text: str, pos: int, a: int, b: int, end: int) -> bool:
    """Whether ``text[a:b]`` is the ``(series)`` of a tag ``name (series)``."""
    if b - a > 100:
        return False
    inside = text[a + 1 : b - 1]
    if not inside.strip() or _NOT_IN_QUALIFIER.search(inside) or WEIGHT_TAIL.search(inside):
        return False
    before = text[max(pos, a - 60) : a - 1].replace("_", " ").replace(",", " ")
    if not before or before[-1].isspace():
        return False
    name = before.split()[-1]
    if name.lower() in _FUNCTION_WORDS or not (name[-1].isalnum() or name[-1] in "!?'\")."):
        return False
    return _AFTER_QUALIFIER.match(text, b, end) is not None


def _split_at_colons(piece: Piece) -> Iterator[Piece]:
    """A word cut at its colons, which become marks; other pieces unchanged."""
    kind, text = piece
    if kind is not SpanKind.WORD:
        yield piece
        return
    for part in _COLON.findall(text):
        yield (SpanKind.MARK if part == ":" else SpanKind.WORD, part)


def _split_at_keywords(piece: Piece) -> Iterator[Piece]:
    """A word cut at BREAK, AND and ``embedding:name``; other pieces unchanged."""
    kind, text = piece
    if kind is not SpanKind.WORD:
        yield piece
        return
    done = 0
    for match in _KEYWORD.finditer(text):
        if match.start() > done:
            yield (SpanKind.WORD, text[done : match.start()])
        yield (SpanKind.BREAK if match.group(1) else SpanKind.EMBEDDING, match.group())
        done = match.end()
    if len(text) > done:
        yield (SpanKind.WORD, text[done:])
