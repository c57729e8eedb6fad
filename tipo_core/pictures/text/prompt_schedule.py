"""A prompt that changes while the picture is drawn: clauses of text, and when each one holds.

The forms are those of the A1111 web UI (`modules/prompt_parser.py`) and, with two times, of
ComfyUI-prompt-control:

- `[from:to:when]`, `[to:when]` and `[from::when]` change at `when`;
- `[during:start,end]` and `[before:during:after:start,end]` change twice;
- `[a|b|c]` is another one at each step, over and over;
- `one AND two :0.5` are two prompts drawn at once, with weights;
- `BREAK` begins a new chunk of the encoder (`break_parts`).

A time is a fraction of the schedule where it has a point or a percent sign, and the number of a
step otherwise. They nest. All other brackets stay as they are, in the way core reads them, and
`\\[`, `\\]` and `\\|` are the signs themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from ...prompt.syntax.span_kind import SpanKind

if TYPE_CHECKING:
    from ...prompt.syntax.parse import Span, Spans

WHOLE = (0.0, 1.0)
# `[a|b|c]` beside `[d|e]` has as many texts as the product, and each one is encoded.
MOST_CLAUSES = 64
# A tenth of one of a model's thousand timesteps.
_EARLY = 1e-4
_GROUPS = (SpanKind.WEIGHT, SpanKind.SCHEDULE, SpanKind.ALTERNATION)
_AND_WEIGHT = re.compile(r"\s*:\s*(-?\d*\.?\d+)\s*\Z")
_LITERAL = re.compile(r"\\([\[\]|])")


@dataclass(frozen=True)
class Clause:
    """One prompt to encode, and the parts of the schedule that it holds in.

    `texts` has an entry for each text that was given (of one encoder each); `weight` is its share
    beside the other clauses of the same time. `ranges` are the times as they were written, in
    fractions of the schedule; `percents` the same as ComfyUI's start_percent and end_percent, with
    borders that no step falls on (`_percent`).
    """

    texts: tuple[str, ...]
    weight: float = 1.0
    ranges: tuple[tuple[float, float], ...] = (WHOLE,)
    percents: tuple[tuple[float, float], ...] = (WHOLE,)

    @property
    def is_always(self) -> bool:
        """Whether it holds from the first step to the last."""
        return self.ranges == (WHOLE,)


def _parsed(text: str) -> Spans:
    # Imported on first use: the text floor costs more than the rest of the pack.
    from ...prompt.syntax.parse import parse

    return parse(text).spans


def clauses(texts: Sequence[str], steps: int) -> tuple[Clause, ...]:
    """Return what is to be encoded of a prompt in a schedule of `steps` steps.

    `texts` are the same prompt for different encoders; their times are taken together. At every
    time at least one clause holds. Without any of the forms the texts come back as they are.
    Raises ValueError where AND splits the texts into different numbers, for a weight of the
    clauses that cannot be, and for more than MOST_CLAUSES.
    """
    parsed = [_parsed(text) for text in texts]
    are_steps = {Fraction(0): False, Fraction(1): False}
    for spans in parsed:
        _find_times(spans, steps, are_steps)
    percents = {time: _percent(time, steps, is_step) for time, is_step in are_steps.items()}
    times = sorted(are_steps)
    ranges: dict[tuple[tuple[str, ...], float], list[tuple[Fraction, Fraction]]] = {}
    for start, end in pairwise(times):
        for clause in _split_at_and([_text_at(spans, start, steps) for spans in parsed]):
            held = ranges.setdefault(clause, [])
            if held and held[-1][1] == start:
                held[-1] = (held[-1][0], end)
            else:
                held.append((start, end))
            if len(ranges) > MOST_CLAUSES:
                raise ValueError(
                    f"The prompt's schedules make more than {MOST_CLAUSES} different texts: use "
                    "fewer of them, or alternations of the same length."
                )
    return tuple(
        Clause(
            prompt,
            weight,
            tuple((float(start), float(end)) for start, end in held),
            tuple((percents[start], percents[end]) for start, end in held),
        )
        for (prompt, weight), held in ranges.items()
    )


def break_parts(text: str) -> list[str]:
    """Return the text between the BREAKs; within `(a BREAK b:1.2)` both keep the weight.

    Nothing between two of them, or at the ends, makes no part.
    """
    parts = [""]
    for piece in _pieces(_parsed(text)):
        if piece is None:
            parts.append("")
        else:
            parts[-1] += piece
    if len(parts) == 1:
        return parts
    return [part.strip() for part in parts if part.strip()] or [""]


def _pieces(spans: Spans) -> Iterator[str | None]:
    """The text in pieces, with None for each BREAK; groups around one are closed and opened."""
    for span in spans:
        if span.kind is SpanKind.BREAK and span.text == "BREAK":
            yield None
        elif span.kind is SpanKind.WEIGHT and "BREAK" in span.text:
            *inner, tail = _with_tail(span)
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


def _with_tail(group: Span) -> list[str]:
    """The texts of a group's children and, last, that of its final mark (`:1.2`) or ""."""
    texts = list(group.children.texts)
    has_tail = group.children.kinds[-1:] == (SpanKind.MARK,)
    return texts if has_tail else [*texts, ""]


def _split_at_and(texts: Sequence[str]) -> list[tuple[tuple[str, ...], float]]:
    """The prompts joined by AND, each as its texts and its weight; one text may serve for all."""
    columns = [_and_parts(text) for text in texts]
    count = max(map(len, columns))
    for column in columns:
        if len(column) not in (1, count):
            raise ValueError(
                f"AND splits one text into {count} prompts and another into {len(column)}: give "
                "each text the same number, or one without AND."
            )
    if count == 1:
        return [(tuple(texts), 1.0)]
    rows = zip(*(column * (count // len(column)) for column in columns), strict=True)
    weights: dict[tuple[str, ...], float] = {}
    for row in rows:
        prompt = tuple(text for text, _ in row)
        # The first text is the prompt: its weights count. A prompt given twice counts twice.
        weights[prompt] = weights.get(prompt, 0.0) + row[0][1]
    return list(weights.items())


def _and_parts(text: str) -> list[tuple[str, float]]:
    parts = [""]
    for span in _parsed(text):
        if span.kind is SpanKind.BREAK and span.text == "AND":
            parts.append("")
        else:
            parts[-1] += span.text
    if len(parts) == 1:
        return [(text, 1.0)]
    weighted = []
    for part in parts:
        found = _AND_WEIGHT.search(part)
        weight = float(found[1]) if found else 1.0
        if weight <= 0:
            raise ValueError(
                f"AND with the weight {weight:g}: ComfyUI takes a weighted mean of the prompts, so "
                "a weight must be above 0. Put what should not appear into the negative prompt."
            )
        weighted.append((_AND_WEIGHT.sub("", part).strip(), weight))
    return weighted


def _alternatives(group: Span) -> list[Spans]:
    """What stands between the colons or bars of a group."""
    children = group.children
    if group.kind is SpanKind.SCHEDULE:
        children = children[:-1]
    found, start = [], 0
    marks = [index for index, kind in enumerate(children.kinds) if kind is SpanKind.MARK]
    for end in [*marks, len(children)]:
        found.append(children[start:end])
        start = end + 1
    return found


def _schedule(group: Span, steps: int) -> tuple[list[Spans], list[Fraction]] | None:
    """The texts of `[from:to:when]` in order, and the times between; None where it is neither."""
    times = [_time(part, steps) for part in group.children[-1].text[1:].split(",")]
    texts = _alternatives(group)
    nothing = group.children[:0]
    if len(times) == 1 and len(texts) <= 2:
        return ([nothing] * (2 - len(texts)) + texts), times
    if len(times) == 2 and times[0] <= times[1]:
        if len(texts) == 1:
            return [nothing, *texts, nothing], times
        if len(texts) == 3:
            return texts, times
    return None


def _is_fraction(time: str) -> bool:
    return "." in time or "%" in time


def _time(text: str, steps: int) -> Fraction:
    number = Fraction(text.strip().rstrip("%"))
    if "%" in text:
        number /= 100
    elif not _is_fraction(text):
        number /= steps
    return min(max(number, Fraction(0)), Fraction(1))


def _find_times(spans: Spans, steps: int, are_steps: dict[Fraction, bool]) -> None:
    """Add all times at which the text changes, each with whether it is the beginning of a step."""
    for span in spans:
        if span.kind not in _GROUPS:
            continue
        if span.kind is SpanKind.SCHEDULE and (scheduled := _schedule(span, steps)):
            for time in scheduled[1]:
                are_steps.setdefault(time, False)
            parts = span.children[-1].text[1:].split(",")
            for part, time in zip(parts, scheduled[1], strict=True):
                are_steps[time] |= not _is_fraction(part)
        elif span.kind is SpanKind.ALTERNATION:
            are_steps.update({Fraction(step, steps): True for step in range(1, steps)})
        _find_times(span.children, steps, are_steps)


def _percent(time: Fraction, steps: int, is_step: bool) -> float:
    """The border between two ranges as ComfyUI's percent, the share of the model's timesteps.

    A sampler's step must fall into one of them. A fraction lies a little early, so that a step just
    there belongs to the later text. The beginning of step i lies between where the schedulers put
    the step before it at the latest ((i - 1) / (steps - 1), normal) and itself at the earliest
    (i / steps, sgm_uniform and simple).
    """
    if time in (0, 1):
        return float(time)
    if not is_step:
        return max(float(time) - _EARLY, 0.0)
    return float(time + (time * steps - 1) / (steps - 1)) / 2


def _text_at(spans: Spans, time: Fraction, steps: int) -> str:
    """The text that holds from `time` on until the next change."""
    output = []
    for span in spans:
        if span.kind not in _GROUPS:
            is_literal = span.kind is SpanKind.ESCAPE
            output.append(_LITERAL.sub(r"\1", span.text) if is_literal else span.text)
            continue
        chosen = None
        if span.kind is SpanKind.ALTERNATION:
            texts = _alternatives(span)
            chosen = texts[int(time * steps) % len(texts)]
        elif span.kind is SpanKind.SCHEDULE and (scheduled := _schedule(span, steps)):
            texts, times = scheduled
            chosen = texts[sum(when <= time for when in times)]
        if chosen is None:
            output += [span.text[0], _text_at(span.children, time, steps), span.text[-1]]
        else:
            output.append(_text_at(chosen, time, steps))
    return "".join(output)
