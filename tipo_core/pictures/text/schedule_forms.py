"""Reads the schedules in a prompt as a template: fixed text, and choices that change with time.

`prompt_schedule` lists the forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...prompt.syntax.longest_text import NOTHING, texts_in_time
from ...prompt.syntax.span_kind import SpanKind
from .quotes import quoted
from .schedule_times import Changes, Clock, Turns, read_time

if TYPE_CHECKING:
    from ...prompt.syntax.parse import Span, Spans

_GROUPS = (SpanKind.WEIGHT, SpanKind.SCHEDULE, SpanKind.ALTERNATION)
_ESCAPED_SIGN = re.compile(r"\\([\[\]|:])")
_NUMBER_AT_END = re.compile(r":\s*[-+]?(?:\d+\.?\d*|\.\d+)\s*\Z")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)%?")
_TAIL_WINDOW = 40  # characters, as the parser's


@dataclass(frozen=True)
class Choice:
    """A place in a prompt whose text depends on the time; the clock gives the number of a text."""

    clock: Clock
    texts: tuple[tuple[str | Choice, ...], ...]


Node = str | Choice


@dataclass(frozen=True)
class Template:
    """A prompt as fixed texts and choices, and a note on each form that is not read as typed."""

    nodes: tuple[Node, ...]
    notes: tuple[str, ...] = ()

    @property
    def clocks(self) -> tuple[Clock, ...]:
        """All clocks, each once."""
        return tuple(dict.fromkeys(_clocks(self.nodes)))

    def text(self, readings: Mapping[Clock, int]) -> str:
        """Return the prompt's text for a reading of each clock."""
        return "".join(_texts(self.nodes, readings))


def parse_spans(text: str) -> Spans:
    """Parse a prompt. The parser is imported on first use: it loads slowly."""
    from ...prompt.syntax.parse import parse

    return parse(text).spans


@dataclass(frozen=True)
class _Reading:
    """The notes of one prompt, and whether A1111's reader follows."""

    is_a1111: bool
    notes: dict[str, None] = field(default_factory=dict)

    def note(self, text: str) -> None:
        self.notes[text] = None


def read_template(text: str, *, is_a1111: bool = False) -> Template:
    """Read the schedules of a prompt.

    With `is_a1111` escapes and brackets that are no schedule stay as typed, for A1111's reader.
    """
    reading = _Reading(is_a1111)
    nodes = _nodes(parse_spans(text), reading)
    return Template(nodes, tuple(reading.notes))


def _clocks(nodes: Sequence[Node]) -> Iterator[Clock]:
    for node in nodes:
        if not isinstance(node, str):
            yield node.clock
            for text in node.texts:
                yield from _clocks(text)


def _texts(nodes: Sequence[Node], readings: Mapping[Clock, int]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield node
        else:
            yield from _texts(node.texts[readings[node.clock]], readings)


def _nodes(spans: Spans, reading: _Reading) -> tuple[Node, ...]:
    nodes: list[Node] = []
    fixed: list[str] = []
    for span in spans:
        for node in _nodes_of(span, reading):
            if isinstance(node, str):
                fixed.append(node)
            else:
                nodes += ["".join(fixed), node]
                fixed = []
    return (*nodes, "".join(fixed))


def _nodes_of(span: Span, reading: _Reading) -> tuple[Node, ...]:
    kind, text = span.kind, span.text
    if kind is SpanKind.ESCAPE:
        return (text,) if reading.is_a1111 else (_ESCAPED_SIGN.sub(r"\1", text),)
    if kind not in _GROUPS:
        return (text,)
    choice = None
    children = span.children  # parsed at each access
    if kind is SpanKind.SCHEDULE:
        choice = _schedule(text, children, reading)
    elif kind is SpanKind.ALTERNATION:
        choice = _alternation(text, children, reading)
    if choice is not None:
        return (choice,)
    if reading.is_a1111:
        return (text[0], *_nodes(children, reading), text[-1])
    if text[0] == "[" and (kind is not SpanKind.WEIGHT or _loose_signs(children)):
        reading.note(f"{quoted(text)} is no schedule and is read as words")
    inner = _nodes(children, reading)
    if text[0] == "(" and children.kinds[-1:] != (SpanKind.MARK,):
        last = inner[-1]
        if isinstance(last, str) and _NUMBER_AT_END.search(last[-_TAIL_WINDOW:]):
            # In (16\\:9) the 9 is no weight: ComfyUI needs the weight of 1.1 in figures.
            return ("(", *inner, ":1.1)")
    return (text[0], *inner, text[-1])


def _schedule(group: str, children: Spans, reading: _Reading) -> Choice | None:
    """Read `[from:to:when]` and the like; None for another form."""
    parts, tail = _parts(children)
    times = [read_time(part) for part in tail.split(",")]
    nothing = children[:0]
    shown: list[Spans] = []
    if len(times) == 1 and len(parts) % 2 == 0 and "".join(parts[0].texts).strip() == "SEQ":
        numbers = ["".join(part.texts).strip() for part in parts[2::2]]
        if all(map(_NUMBER.fullmatch, numbers)):
            times = [*map(read_time, numbers), *times]
            shown = [*parts[1::2], nothing]
    else:
        order = texts_in_time(len(parts), len(times))
        shown = [nothing if number == NOTHING else parts[number] for number in order]
        for number in range(len(parts)) if order else ():
            if number not in order and (unused := "".join(parts[number].texts).strip()):
                form = f"{quoted(group)} has one time"
                reading.note(f"{form}, so {quoted(unused)} is never used: give a second time")
    if not shown:
        return None
    for sign in _loose_signs(children):
        reading.note(f'"{sign}" in {quoted(group)} is read as a word')
    if any(time.is_fraction and time.value > 1 for time in times):
        reading.note(
            f"{quoted(group)} changes at a fraction above 1, after the last step: a fraction of "
            "the schedule is below 1, and a weight is written (word:1.2)"
        )
    texts = tuple(_nodes(part, reading) for part in shown)
    return Choice(Changes(tuple(times)), texts)


def _alternation(group: str, children: Spans, reading: _Reading) -> Choice | None:
    """Read `[a|b]` and `[a|b:0.2]`; None for another form."""
    parts, tail = _parts(children)
    period = read_time(tail) if tail and "," not in tail else None
    # A whole number that is positive is 1 or more.
    if tail and (period is None or period.value <= 0):
        return None
    for sign in _loose_signs(children):
        reading.note(f'"{sign}" in {quoted(group)} is read as a word')
    texts = tuple(_nodes(part, reading) for part in parts)
    return Choice(Turns(len(texts), period), texts)


def _parts(children: Spans) -> tuple[list[Spans], str]:
    """The texts between the colons or bars of a group, and its times as typed ("0.2,4") or ""."""
    tail = ""
    if children.kinds[-1:] == (SpanKind.MARK,) and len(children.texts[-1]) > 1:
        children, tail = children[:-1], children.texts[-1][1:]
    found, start = [], 0
    marks = [index for index, kind in enumerate(children.kinds) if kind is SpanKind.MARK]
    for end in [*marks, len(children)]:
        found.append(children[start:end])
        start = end + 1
    return found, tail


def _loose_signs(children: Spans) -> list[str]:
    """The colons and bars in the words of a group, which separate nothing."""
    words = [
        text
        for kind, text in zip(children.kinds, children.texts, strict=True)
        if kind is SpanKind.WORD
    ]
    return [sign for sign in ":|" if any(sign in word for word in words)]
