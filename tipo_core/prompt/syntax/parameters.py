"""Parameters in the manner of Midjourney: ``--ar 16:9``, ``--v 6``, ``--style raw``, ``--no hat``.

A parameter begins after a blank, a comma or a line break. Two dashes are words where no known name
follows them, as in prose, or where the value does not fit the name; an unknown name needs a number.
``--no`` takes in everything up to the next parameter, comment, LoRA or BREAK, or the end of its
line.

The names are those of Midjourney's parameter list.
"""

from __future__ import annotations

import re

from .span_kind import SpanKind

_FLAGS = (
    r"(?:creative|draft|fast|hd|loop|public|raw|relax|stealth|testp?|tile|turbo|upanime|upbeta"
    r"|uplight|video|niji)"
)
_NUMBERED = (
    r"(?:ar|aspect|bs|c|chaos|cw|dw|exp|h|height|iw|niji|ow|q|quality|repeat|r|s|sameseed|seed|stop"
    r"|styli[sz]e|sv|sw|v|version|w|weird|width)"
)
_NUMBER = r"[-+]?\.?\d[\w.:%/+-]*"
_STYLE = r"(?:style[ \t]+(?:raw|expressive|cute|scenic|original|random|\w*\d\w*))"
_MOTION = r"(?:motion[ \t]+(?:low|high|auto))"
_REFERENCE = (
    r"(?:[cdos]ref|p|profile|personalize)(?:[ \t]+(?:https?://[^\s,]+|random|\w*\d[\w:.]*))+"
)
_PARAMETER = re.compile(
    rf"(?<!\S)(--(?:{_FLAGS}(?=[ \t]*(?:\Z|[\r\n]|[ \t]--[A-Za-z]))|{_STYLE}|{_MOTION}"
    rf"|{_REFERENCE}|{_NUMBERED}[ \t=]+{_NUMBER}|[A-Za-z][\w-]*[ \t=]+{_NUMBER}"
    r"|no(?=[ \t]))(?=[\s,\uff0c\u3001)\]}]|\Z))"
)
_NO = "--no"
_BEFORE = (SpanKind.SEPARATOR, SpanKind.NEWLINE)
_END_OF_NO = frozenset(
    (SpanKind.NEWLINE, SpanKind.COMMENT, SpanKind.BREAK, SpanKind.PARAMETER, SpanKind.ANGLE)
)


def cut_parameters(texts: list[str], kinds: list[SpanKind]) -> tuple[list[str], list[SpanKind]]:
    """Cut the parameters out of the words among the pieces."""
    new_texts: list[str] = []
    new_kinds: list[SpanKind] = []
    for text, kind in zip(texts, kinds, strict=True):
        if kind is not SpanKind.WORD or "--" not in text:
            new_texts.append(text)
            new_kinds.append(kind)
            continue
        parts = _PARAMETER.split(text)
        if len(parts) > 1 and not parts[0] and new_texts:
            before = new_texts[-1][-1]
            if new_kinds[-1] not in _BEFORE and not before.isspace():  # as in ``(a)--ar 16:9``
                parts[:3] = [parts[1] + parts[2]]
        for place, part in enumerate(parts):
            if part:
                new_texts.append(part)
                new_kinds.append(SpanKind.PARAMETER if place % 2 else SpanKind.WORD)
    return _with_whole_no(new_texts, new_kinds) if _NO in new_texts else (new_texts, new_kinds)


def _with_whole_no(texts: list[str], kinds: list[SpanKind]) -> tuple[list[str], list[SpanKind]]:
    """The pieces with each ``--no`` and its words as one."""
    new_texts: list[str] = []
    new_kinds: list[SpanKind] = []
    index = 0
    while index < len(texts):
        end = index + 1
        kind = kinds[index]
        if kind is SpanKind.PARAMETER and texts[index] == _NO:
            while end < len(texts) and kinds[end] not in _END_OF_NO:
                end += 1
            if not "".join(texts[index + 1 : end]).strip(" \t,\uff0c\u3001"):
                end, kind = index + 1, SpanKind.WORD
        new_texts.append("".join(texts[index:end]))
        new_kinds.append(kind)
        index = end
    return new_texts, new_kinds
