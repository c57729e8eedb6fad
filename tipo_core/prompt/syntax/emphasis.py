"""NovelAI's weights: ``1.2::text::``, ``-1::text::``, ``1.2::a 0.8::b::``.

A number with ``::`` begins a weight, ``::`` ends it; a further number changes it. The number stands
at the beginning of a word, and a word follows it without a blank. Numbers without a ``::`` after
the text are words, and so is ``::`` without a number before it.
"""

from __future__ import annotations

import re

from .span_kind import SpanKind

END = "::"
_SIGN = re.compile(r"(?<![\w.+-])([-+]?(?:\d+\.?\d*|\.\d+)::)(?!\s)|(::)")


def cut_emphasis(texts: list[str], kinds: list[SpanKind]) -> tuple[list[str], list[SpanKind]]:
    """Cut the signs of NovelAI's weights out of the words among the pieces."""
    signs = _signs(texts, kinds)
    if not signs:
        return texts, kinds
    new_texts: list[str] = []
    new_kinds: list[SpanKind] = []
    done = 0
    position = 0  # in the text of piece number `done`
    for index, start, end in signs:
        if index > done:
            _append(new_texts, new_kinds, texts[done][position:], kinds[done])
            new_texts += texts[done + 1 : index]
            new_kinds += kinds[done + 1 : index]
            done, position = index, 0
        _append(new_texts, new_kinds, texts[index][position:start], SpanKind.WORD)
        _append(new_texts, new_kinds, texts[index][start:end], SpanKind.EMPHASIS)
        position = end
    _append(new_texts, new_kinds, texts[done][position:], kinds[done])
    return new_texts + texts[done + 1 :], new_kinds + kinds[done + 1 :]


def _append(texts: list[str], kinds: list[SpanKind], text: str, kind: SpanKind) -> None:
    if text:
        texts.append(text)
        kinds.append(kind)


def _has_text(kinds: list[SpanKind], index: int) -> bool:
    """Whether a piece with this number follows that separates no tags."""
    return kinds[index : index + 1] not in ([], [SpanKind.SEPARATOR], [SpanKind.NEWLINE])


def _signs(texts: list[str], kinds: list[SpanKind]) -> list[tuple[int, int, int]]:
    """The signs that belong to a weight: number of the piece, start and end in its text."""
    found: list[tuple[int, int, int]] = []
    opened: list[tuple[int, int, int]] = []  # numbers whose end is not found yet
    last_end = (-1, -1)  # of the last ``::`` that ended a weight
    for index, text in enumerate(texts):
        if kinds[index] is not SpanKind.WORD or END not in text:
            continue
        for match in _SIGN.finditer(text):
            start, end = match.span()
            is_after_colon = text[start - 1 : start] == ":"
            is_start = not is_after_colon or last_end == (index, start)
            if match[1] and is_start and (end < len(text) or _has_text(kinds, index + 1)):
                opened.append((index, start, end))
            elif opened:  # a number before the end is text
                found += [*opened, (index, end - len(END), end)]
                opened = []
                last_end = (index, end)
    return found
