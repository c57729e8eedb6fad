"""Cuts text into pieces and says what each one is, in linear time.

The rules, in the order in which they are tried at each place:

- comments, as `comments` describes them;
- ``\\(`` and the like are escapes; ``<name:...>`` is an angle tag; ``__name__``, ``$$``, ``${x}``
  and ``{a|b}`` are wildcards;
- ``(a)``, ``(a:1.2)``, ``[a]`` and ``{a}`` are weights; ``[a:b:0.5]`` is a schedule, ``[a|b]`` and
  ``[a|b:0.2]`` are alternations; brackets without a partner are words, and so are emoticons such as
  ``:)``;
- ``name (series)`` is one tag: its ``(series)`` is a qualifier, not a weight (``qualifiers``);
- ``1.2::`` and ``::`` are NovelAI's weights (`emphasis`), ``--ar 16:9`` is a parameter
  (`parameters`); neither is looked for in a schedule;
- groups nested more than ``MAX_NESTING`` deep are words: only the innermost levels count.

A text of 100 kB may have 100,000 pieces. So pieces are two parallel lists, texts and kinds, and
each step is one pass that makes no call and no object for a common piece.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import accumulate, pairwise
from types import MappingProxyType
from typing import cast

from .brackets import MASK, mask_inner_brackets
from .comments import ANGLE, LINE_COMMENT, NAME_AFTER_SIGN
from .composition import AND
from .emphasis import END, cut_emphasis
from .parameters import cut_parameters
from .qualifiers import mark_qualifiers
from .span_kind import SpanKind

# Max length of the ``:1.2`` at the end of a group; a longer one is words.
TAIL_WINDOW = 40

_PLAIN = r"[^\\()\[\]{}<\#_$/,\uff0c\u3001\r\n]"
_ESCAPABLE = r"[()\[\]{}<>|:\#]"
_WILDCARD = r"__(?:[^\W_]|[-/.*+~]|_(?!_))+__"
# In the text with masked blocks (``brackets.mask_inner_brackets``).
_COMMENT = rf"(?:{LINE_COMMENT}|/\*\{MASK}*\*/)"
# A sign that begins no construct, and so is part of a word.
_IDLE = (
    rf"(?:_(?!_)|(?!{_WILDCARD})_|(?!{ANGLE})<|\\(?!{_ESCAPABLE})|\$(?![${{])|(?!{_COMMENT})[\#/])"
)
# Only escaped brackets are left inside a group (``brackets.mask_inner_brackets``).
_INSIDE = r"[^()\[\]{}\\]*(?:\\[()\[\]{}]?[^()\[\]{}\\]*)*"
# The first line matches most words, the last one every other character.
_TOKEN = re.compile(
    rf"""
      {_PLAIN}+(?=[,\uff0c\u3001\r\n()\[\]{{}}]|\\[()]|\Z)
    | [,\uff0c\u3001][, \t\uff0c\u3001]*
    | [\r\n]+
    | \({_INSIDE}\) | \[{_INSIDE}\] | \{{{_INSIDE}\}}
    | \\{_ESCAPABLE}(?:\\{_ESCAPABLE})*
    | {ANGLE}
    | {_COMMENT}
    | {_WILDCARD}
    | \$(?:\$(?:[\w-]+\$\$)?|\{{{_INSIDE}\}})
    | {_PLAIN}+(?:{_IDLE}{_PLAIN}*)* | {_IDLE}{_PLAIN}*(?:{_IDLE}{_PLAIN}*)*
    """,
    re.VERBOSE,
)
_SPECIAL = re.compile(rf"\\{_ESCAPABLE}|{ANGLE}|{_WILDCARD}|\$[${{]")
# Reading an attribute of an Enum takes longer than a search: too long for 100,000 pieces.
_WORD, _WEIGHT, _COMMENT_KIND = SpanKind.WORD, SpanKind.WEIGHT, SpanKind.COMMENT
# The kind by the first character; None where more of the text decides. Other characters: words.
_KIND_OF_FIRST: MappingProxyType[str, SpanKind | None] = MappingProxyType(
    {
        **dict.fromkeys(",\uff0c\u3001", SpanKind.SEPARATOR),
        **dict.fromkeys("\r\n", SpanKind.NEWLINE),
        **dict.fromkeys("(", SpanKind.WEIGHT),
        **dict.fromkeys("[{\\<_$#/"),
    }
)
_KIND_OF_SPECIAL = MappingProxyType(
    {
        "\\": SpanKind.ESCAPE,
        "<": SpanKind.ANGLE,
        **dict.fromkeys("_$", SpanKind.WILDCARD),
    }
)
_IS_BLOCK = re.compile(rf"/\*\{MASK}*\*/")
_BLANKS = frozenset(" \t")
_IS_NAME = re.compile(rf"\#{NAME_AFTER_SIGN}")
_LINE_ENDS = frozenset(("", "\r", "\n"))  # "" is the end of the text
_KEYWORD = re.compile(r"(?<!\w)((?:BREAK|AND)(?!\w)|[Ee]mbedding:[^\s,:()\[\]{}<>|]+)")
# AND after a word in capitals, as in ``CATS AND DOGS``, is a word.
_CAPITALS = re.compile(r"[A-Z] \Z")
_KEYWORD_STEMS = ("BREAK", "AND", "mbedding:")
_CUT_AT = MappingProxyType({":": re.compile("(:)"), "|": re.compile(r"(\|)")})
_KIND_OF_CUT = MappingProxyType(
    {
        **{"BREAK": SpanKind.BREAK, AND: SpanKind.BREAK},
        **{":": SpanKind.MARK, "|": SpanKind.MARK},
    }
)
_STEP = MappingProxyType({"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1})
_BRACKET_OR_BAR = re.compile(rf"\\{_ESCAPABLE}|{ANGLE}|[()\[\]{{}}|]")
_BRACKET_OR_COLON = re.compile(rf"\\{_ESCAPABLE}|{ANGLE}|(?<!\w)[Ee]mbedding:|[()\[\]{{}}:]")
_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
# The weight, or the times of a schedule, at the end of a group.
_WEIGHT_TAIL = re.compile(rf"(?<!\\):\s*[-+]?{_NUMBER}\s*\Z")
_TIMES_TAIL = re.compile(rf"(?<!\\):\s*[-+]?{_NUMBER}%?(?:\s*,\s*{_NUMBER}%?)*\s*\Z")

Pieces = tuple[list[str], list[SpanKind]]


def scan(text: str, pos: int, end: int, mark: str = "") -> Pieces:
    """Cut ``text[pos:end]`` into pieces without gaps; an outermost group is one piece.

    `mark` is the character, if any, that splits words here; it becomes pieces of kind MARK.
    """
    masked = mask_inner_brackets(text, pos, end)
    tokens = _TOKEN.findall(masked, pos, end)
    texts = tokens
    if masked != text:
        places = list(accumulate(map(len, tokens), initial=pos))
        texts = [text[start:stop] for start, stop in pairwise(places)]
    pieces = texts, _kinds(tokens, texts, text[pos - 1 : pos])
    if stems := [stem for stem in _KEYWORD_STEMS if stem in text]:
        pieces = _cut(pieces, _KEYWORD, stems)
    if mark:
        pieces = _cut(pieces, _CUT_AT[mark], mark)
    elif "--" in text:
        pieces = cut_parameters(*pieces)
    if END in text and mark != ":":
        pieces = cut_emphasis(*pieces)
    if "(" in masked:
        mark_qualifiers(*pieces)
    return pieces


def _kinds(tokens: list[str], texts: list[str], before: str) -> list[SpanKind]:
    """The kinds of the texts; `tokens` are the same with masked brackets, `before` the character
    before the first text."""
    kind_of = _KIND_OF_FIRST.get
    kinds = [kind_of(token[0], _WORD) for token in tokens]
    for index in [index for index, kind in enumerate(kinds) if kind is None]:
        text = texts[index]
        if text[0] in "[{":
            is_plain = "|" not in text and ":" not in text and "$$" not in text
            kinds[index] = _WEIGHT if is_plain else _group_kind(text, tokens[index])
        elif text[0] == "#":  # the same rule as LINE_COMMENT
            left = texts[index - 1][-1] if index else before
            is_comment = (left in _LINE_ENDS and not _IS_NAME.match(text)) or (
                left in _BLANKS and _is_before_blank(texts, index)
            )
            kinds[index] = _COMMENT_KIND if is_comment else _WORD
        elif text[0] == "/":
            is_comment = _IS_BLOCK.fullmatch(tokens[index]) is not None
            if text[1:2] == "/":
                left = texts[index - 1][-1] if index else before
                is_comment = left in _LINE_ENDS or left in _BLANKS
            kinds[index] = _COMMENT_KIND if is_comment else _WORD
        elif len(text) == 1:
            kinds[index] = _WORD
        else:
            is_special = _SPECIAL.match(tokens[index])
            kinds[index] = _KIND_OF_SPECIAL[text[0]] if is_special else _WORD
    return cast("list[SpanKind]", kinds)


def weight_suffix(group: str) -> re.Match[str] | None:
    """Match the ``:1.2`` before the closing bracket of a weight."""
    close = len(group) - 1
    return _WEIGHT_TAIL.search(group, max(1, close - TAIL_WINDOW), close)


def times_suffix(group: str) -> re.Match[str] | None:
    """Match the ``:0.5`` before the closing bracket of a schedule."""
    close = len(group) - 1
    return _TIMES_TAIL.search(group, max(1, close - TAIL_WINDOW), close)


def _is_before_blank(texts: list[str], index: int) -> bool:
    """Whether the first character of the text is followed by a blank, a line break or the end."""
    ahead = texts[index][1:2] or "".join(texts[index + 1 : index + 2])[:1]
    return ahead in _BLANKS or ahead in _LINE_ENDS


def _group_kind(group: str, masked: str) -> SpanKind:
    """The kind of a group; `masked` is the group with MASK for its inner brackets."""
    has_bar = "|" in group and _has_own_bar(group, masked)
    if group[0] == "{":
        return SpanKind.WILDCARD if has_bar or "$$" in group else SpanKind.WEIGHT
    tail = times_suffix(group) if ":" in group else None
    if tail and not (has_bar and _has_no_own_colon(group[: tail.start()])):
        return SpanKind.SCHEDULE
    return SpanKind.ALTERNATION if has_bar else SpanKind.WEIGHT


def _has_no_own_colon(group: str) -> bool:
    """Whether each ``:`` of a group is inside an inner bracket, escape, angle tag or embedding.

    The closing bracket of the group is left out.
    """
    depth = 0
    for sign in _BRACKET_OR_COLON.findall(group) if ":" in group else ():
        if sign == ":" and depth <= 1:
            return False
        depth += _STEP.get(sign, 0)
    return True


def _has_own_bar(group: str, masked: str) -> bool:
    """Whether the group has a ``|`` that no inner bracket encloses."""
    signs: Iterable[str] = group
    if "\\" in masked or "<" in masked:  # signs in escapes and angle tags do not count
        signs = _BRACKET_OR_BAR.findall(group)
    elif MASK not in masked:
        return True
    depth = 0
    for sign in signs:
        if sign == "|":
            if depth <= 1:
                return True
        elif sign in _STEP:
            depth += _STEP[sign]
    return False


def _cut(pieces: Pieces, cut: re.Pattern[str], stems: Iterable[str]) -> Pieces:
    """Cut the words among the pieces at `cut`, which matches only in words that have a stem."""
    texts, kinds = pieces
    new_texts: list[str] = []
    new_kinds: list[SpanKind] = []
    places = {index for stem in stems for index, text in enumerate(texts) if stem in text}
    done = 0
    for index in sorted(places):
        if kinds[index] is not SpanKind.WORD:
            continue
        new_texts += texts[done:index]
        new_kinds += kinds[done:index]
        done = index + 1
        word = ""
        for place, part in enumerate(cut.split(texts[index])):
            if place % 2 == 0 or (part == AND and _CAPITALS.search(word, max(0, len(word) - 2))):
                word += part
                continue
            if word:
                new_texts.append(word)
                new_kinds.append(SpanKind.WORD)
                word = ""
            new_texts.append(part)
            new_kinds.append(_KIND_OF_CUT.get(part, SpanKind.EMBEDDING))
        if word:
            new_texts.append(word)
            new_kinds.append(SpanKind.WORD)
    return new_texts + texts[done:], new_kinds + kinds[done:]
