"""The parts of a prompt that hold words: their ranges, and the regions that BREAK and AND divide.

Weights, LoRAs, embeddings, wildcards, comments and parameters are no words.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ..syntax.composition import AND, split_and_weight
from ..syntax.emphasis import END
from ..syntax.parse import Span, Spans, parse
from ..syntax.scanner import weight_suffix
from ..syntax.span_kind import SpanKind

_GROUPS = frozenset((SpanKind.WEIGHT, SpanKind.SCHEDULE, SpanKind.ALTERNATION))
_TEXTS = frozenset((SpanKind.WORD, SpanKind.QUALIFIER, SpanKind.SEPARATOR))


def text_ranges(text: str, is_unwanted: bool = True) -> Iterator[tuple[int, int]]:
    """Yield the ranges of words and commas in the text and in its groups, in order.

    Without `is_unwanted`, words with a weight of zero or less are left out: ``-1::cat::``,
    ``(cat:-1)`` and the region ``cat :-1`` beside an AND.
    """
    prompt = parse(text).spans
    unwanted = deque(() if is_unwanted else _unwanted_regions(text, prompt))
    open_spans = [iter(prompt)]
    is_negative = False  # in a weight of NovelAI
    while open_spans:
        span = next(open_spans[-1], None)
        if span is None:
            open_spans.pop()
            continue
        if span.kind is SpanKind.EMPHASIS:
            is_negative = span.text != END and _number(span.text.removesuffix(END)) <= 0
        while unwanted and unwanted[0][1] <= span.start:
            unwanted.popleft()
        is_left_out = is_negative or (unwanted and unwanted[0][0] <= span.start)
        if is_left_out and not is_unwanted:
            continue
        if span.kind in _GROUPS:
            if is_unwanted or not _is_negative_group(span):
                open_spans.append(iter(span.children))
        elif span.kind in _TEXTS:
            yield span.start, span.end


def regions(text: str) -> list[tuple[int, int]]:
    """Return the ranges of text between two BREAKs or ANDs, also of those in groups.

    The range of a prompt beside an AND ends before its weight.
    """
    spans = parse(text).spans
    breaks = list(_breaks(spans))
    has_and = any(span.text == AND for span in breaks)
    starts = [0, *(span.end for span in breaks)]
    ends = [*(span.start for span in breaks), len(text)]
    found = []
    for start, end in zip(starts, ends, strict=True):
        region = text[start:end]
        if has_and:
            region = split_and_weight(region)[0]
        found.append((start, start + len(region.rstrip())))
    return found


def _breaks(spans: Spans) -> Iterator[Span]:
    open_spans = [iter(spans)]
    while open_spans:
        span = next(open_spans[-1], None)
        if span is None:
            open_spans.pop()
        elif span.kind in _GROUPS:
            open_spans.append(iter(span.children))
        elif span.kind is SpanKind.BREAK:
            yield span


def _unwanted_regions(text: str, spans: Spans) -> list[tuple[int, int]]:
    """The ranges of prompts beside an AND whose weight is zero or less."""
    marks = [span for span in spans if span.kind is SpanKind.BREAK]
    if not any(span.text == AND for span in marks):
        return []
    starts = [0, *(span.end for span in marks)]
    ends = [*(span.start for span in marks), len(text)]
    found = []
    for start, end in zip(starts, ends, strict=True):
        weight = split_and_weight(text[start:end])[1]
        if weight is not None and weight <= 0:
            found.append((start, end))
    return found


def _is_negative_group(span: Span) -> bool:
    if span.kind is not SpanKind.WEIGHT:
        return False
    match = weight_suffix(span.text)
    return match is not None and _number(match.group().strip(" :)")) <= 0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0
