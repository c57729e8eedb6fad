"""Lossless syntax of image prompts: text in, verbatim spans out.

``parse`` tiles the text with spans, so ``str(parse(text)) == text`` for every string. Nothing is
ever re-created from a parsed form: ``Segment.plain`` is a second, separate view of the words, for
the language model. The rules of the language are in ``scanner``.

What the model sees of a schedule ``[a:b:0.5]`` is the alternative that holds for the longer part
of the sampling, ``b`` where the time is 0.5 or a step number; of an alternation ``[a|b]`` the
first one; of wildcards, LoRAs, embeddings, BREAK and comments nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType
from typing import NamedTuple

from .plain import plain_text, without_brackets
from .scanner import TAIL_WINDOW, TIMES_TAIL, WEIGHT_TAIL, Piece, SpanKind, scan

_GROUP_MARKS = MappingProxyType(
    {
        SpanKind.WEIGHT: "",
        SpanKind.SCHEDULE: ":",
        SpanKind.ALTERNATION: "|",
    }
)
_OWN_SEGMENT = frozenset({SpanKind.BREAK, SpanKind.COMMENT})
_BETWEEN_SEGMENTS = frozenset({SpanKind.SEPARATOR, SpanKind.NEWLINE})
_BARE_PARENTHESIS = re.compile(r"(?<!\\)[()]")
_UNDERSCORED = re.compile(r"[^\W_]_(?=[^\W_])")
_SPACED = re.compile(r"[^\W_] (?=[^\W_])")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NUMBER = re.compile(r"\d+\.?\d*|\.\d+")
_AND_WEIGHT = re.compile(r"\s*:\s*-?\d*\.?\d+\s*\Z")


class Span(NamedTuple):
    """A verbatim piece of the prompt: its kind, its text and the offset where it starts."""

    kind: SpanKind
    text: str
    start: int

    @property
    def end(self) -> int:
        """Offset after the last character."""
        return self.start + len(self.text)

    @property
    def children(self) -> tuple[Span, ...]:
        """The spans between the brackets of a group; none for any other kind.

        ``text == text[0] + "".join(child texts) + text[-1]`` holds for every group. ``|``, the
        colons of a schedule and the final ``:1.2`` are spans of kind MARK.
        """
        marks = _GROUP_MARKS.get(self.kind)
        if marks is None:
            return ()
        close = len(self.text) - 1
        tail = None
        if self.kind is not SpanKind.ALTERNATION:
            pattern = TIMES_TAIL if self.kind is SpanKind.SCHEDULE else WEIGHT_TAIL
            tail = pattern.search(self.text, max(1, close - TAIL_WINDOW), close)
        end = tail.start() if tail else close
        pieces = scan(self.text, 1, end, marks)
        if tail:
            pieces.append((SpanKind.MARK, self.text[end:close]))
        return _tile(pieces, self.start + 1)


@dataclass(frozen=True)
class Segment:
    """One top-level item of the prompt: what stands between commas and line breaks.

    ``text`` is verbatim, without the blanks around it. ``words`` are the plain tags inside: one
    for a simple tag, several for ``(a, b:1.2)``, none for a LoRA.
    """

    text: str
    start: int
    words: tuple[str, ...]
    spans: tuple[Span, ...]

    @property
    def end(self) -> int:
        """Offset after the last character."""
        return self.start + len(self.text)

    @property
    def plain(self) -> str:
        """The words as the language model should see them, ``""`` where there are none."""
        return ", ".join(self.words)


@dataclass(frozen=True)
class Prompt:
    """A parsed prompt: spans that tile the text. ``str(prompt)`` is the text itself."""

    spans: tuple[Span, ...]

    def __str__(self) -> str:
        return "".join([span.text for span in self.spans])

    def segments(self) -> tuple[Segment, ...]:
        """The top-level items in order.

        A BREAK or AND and a comment are items of their own, and so is an angle tag at either end
        of an item (``1girl <lora:x:1>`` is two items).
        """
        has_and = any(s.kind is SpanKind.BREAK and s.text == "AND" for s in self.spans)
        return tuple([_segment(run, has_and) for run in _runs(self.spans)])

    def escaped(self) -> str:
        """The text with the parentheses of ``name (series)`` escaped, all else verbatim.

        The host would read ``(series)`` as a weight of 1.1.
        """
        return "".join([_escaped(span) for span in self.spans])

    @property
    def uses_underscores(self) -> bool:
        """Whether the user writes ``long_hair`` more often than ``long hair``."""
        underscored = spaced = 0
        for span in self.spans:
            if span.kind in (SpanKind.WORD, SpanKind.WEIGHT):
                underscored += len(_UNDERSCORED.findall(span.text))
                spaced += len(_SPACED.findall(span.text))
        return underscored > spaced


def parse(text: str) -> Prompt:
    """Parse any string in linear time; never raises, and ``str`` of the result is ``text``."""
    return Prompt(_tile(scan(text, 0, len(text)), 0))


def escape_tag(tag: str) -> str:
    """``hatsune miku (append)`` -> ``hatsune miku \\(append\\)``; escaped text stays as it is."""
    return _BARE_PARENTHESIS.sub(r"\\\g<0>", tag)


def _tile(pieces: list[Piece], start: int) -> tuple[Span, ...]:
    """The pieces as spans, each starting where the one before ends."""
    starts = accumulate([len(text) for _, text in pieces], initial=start)
    new = tuple.__new__  # ``Span(...)`` costs three times as much, and there may be 100,000
    return tuple(
        [new(Span, (kind, text, at)) for (kind, text), at in zip(pieces, starts, strict=False)]
    )


def _escaped(span: Span) -> str:
    if span.kind is SpanKind.QUALIFIER:
        return escape_tag(span.text)
    if "(" not in span.text[1:] or span.kind not in _GROUP_MARKS:
        return span.text
    inner = "".join([_escaped(child) for child in span.children])
    return span.text[0] + inner + span.text[-1]


def _runs(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """The spans of each segment: cut at separators, blank runs dropped."""
    run: list[Span] = []
    for span in spans:
        if span.kind in _BETWEEN_SEGMENTS:
            yield from _peeled(run)
            run = []
        elif span.kind in _OWN_SEGMENT:
            yield from _peeled(run)
            yield [span]
            run = []
        else:
            run.append(span)
    yield from _peeled(run)


def _peeled(run: list[Span]) -> Iterator[list[Span]]:
    """The run without the angle tags at its ends, and these as runs of their own."""
    first, last = 0, len(run)
    while first < last and (run[first].kind is SpanKind.ANGLE or not run[first].text.strip()):
        first += 1
    while last > first and (run[last - 1].kind is SpanKind.ANGLE or not run[last - 1].text.strip()):
        last -= 1
    yield from ([span] for span in run[:first] if span.kind is SpanKind.ANGLE)
    if first < last:
        yield run[first:last]
    yield from ([span] for span in run[last:] if span.kind is SpanKind.ANGLE)


def _segment(run: list[Span], has_and: bool) -> Segment:
    text = "".join([span.text for span in run])
    words = _plain_words(run)
    if has_and:  # composable prompts: ``a cat :1.2 AND a dog :0.8``
        words = [word[:-TAIL_WINDOW] + _AND_WEIGHT.sub("", word[-TAIL_WINDOW:]) for word in words]
    start = run[0].start + len(text) - len(text.lstrip())
    return Segment(text.strip(), start, tuple([w for w in words if w]), tuple(run))


def _plain_words(spans: Sequence[Span]) -> list[str]:
    """The plain tags in the spans, in order."""
    parts: list[list[str]] = [[]]
    for span in spans:
        if span.kind is SpanKind.WORD:
            parts[-1].append(without_brackets(span.text))
        elif span.kind in _BETWEEN_SEGMENTS:
            parts.append([])
        elif span.kind is SpanKind.ESCAPE:
            parts[-1].append(_ESCAPE.sub(r"\1", span.text))
        elif span.kind is SpanKind.QUALIFIER:
            parts[-1].append(span.text)
        elif span.kind in _GROUP_MARKS:
            inner = _plain_words(_chosen(span))
            parts[-1].extend(inner[:1])
            parts.extend([word] for word in inner[1:])
        else:
            parts[-1].append(" ")
    return [word for part in parts if (word := plain_text("".join(part)))]


def _chosen(group: Span) -> list[Span]:
    """The children that stand for the group: all of a weight, one alternative of the others."""
    if group.kind is SpanKind.WEIGHT:
        return [child for child in group.children if child.kind is not SpanKind.MARK]
    alternatives: list[list[Span]] = [[]]
    tail = ""
    for child in group.children:
        if child.kind is not SpanKind.MARK:
            alternatives[-1].append(child)
        elif len(child.text) > 1:
            tail = child.text
        else:
            alternatives.append([])
    filled = [spans for spans in alternatives if "".join([s.text for s in spans]).strip()]
    if len(filled) < 2:
        return filled[0] if filled else []
    if group.kind is SpanKind.ALTERNATION:
        return filled[0]
    times = [float(number) for number in _NUMBER.findall(tail)]
    if len(filled) == 2 and times and 0.5 < times[0] <= 1.0 and "." in tail:
        return filled[0]
    return filled[-1]
