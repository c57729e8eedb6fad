"""Splits a prompt at BREAK: each part begins a new chunk of the text encoder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...prompt.syntax.span_kind import SpanKind
from .schedule_forms import parse_spans

if TYPE_CHECKING:
    from ...prompt.syntax.parse import Span, Spans


def split_at_break(text: str) -> list[str]:
    """Split a prompt at its BREAKs; both halves of `(a BREAK b:1.2)` keep the weight.

    Empty parts are left out; a prompt of BREAKs alone is one empty part. A prompt without BREAK is
    returned unchanged.
    """
    pieces: list[list[str]] = [[]]  # joined at the end, in linear time
    for piece in _pieces(parse_spans(text)):
        if piece is None:
            pieces.append([])
        else:
            pieces[-1].append(piece)
    parts = ["".join(part) for part in pieces]
    if len(parts) == 1:
        return parts
    return [part.strip() for part in parts if part.strip()] or [""]


def _pieces(spans: Spans) -> Iterator[str | None]:
    """The text in pieces, None for each BREAK; a group around a BREAK is closed and reopened."""
    for span in spans:
        if span.kind is SpanKind.BREAK and span.text == "BREAK":
            yield None
        elif span.kind is SpanKind.WEIGHT and "BREAK" in span.text:
            *inner, tail = _texts_and_weight(span)
            yield span.text[0]
            for piece in _pieces(span.children[: len(inner)]):
                if piece is None:
                    yield tail + span.text[-1]
                    yield None
                    yield span.text[0]
                else:
                    yield piece
            yield tail + span.text[-1]
        else:
            yield span.text


def _texts_and_weight(group: Span) -> list[str]:
    """The texts of a group's children and, last, its weight (`:1.2`) or ""."""
    texts = list(group.children.texts)
    has_weight = group.children.kinds[-1:] == (SpanKind.MARK,)
    return texts if has_weight else [*texts, ""]
