"""A prompt that changes while the picture is sampled: its clauses and the times of each one.

The forms are those of the A1111 web UI (`modules/prompt_parser.py`) and, with two times, of
ComfyUI-prompt-control:

- `[from:to:when]`, `[to:when]` and `[from::when]` change at `when`;
- `[during:start,end]` and `[before:during:after:start,end]` change twice;
- `[a|b|c]` takes the next alternative at each step, over and over;
- `one AND two :0.5` are two prompts sampled together, with weights;
- `BREAK` begins a new chunk of the encoder (`prompt_chunks`).

A time with a point or a percent sign is a fraction of the schedule, another one is the number of a
step. The forms nest. All other brackets are left to ComfyUI; `\\[`, `\\]` and `\\|` are the
characters themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from ...prompt.syntax.composition import AND, split_and_weight
from ...prompt.syntax.span_kind import SpanKind
from .schedule_times import change_times, percent_of, text_at

if TYPE_CHECKING:
    from ...prompt.syntax.parse import Spans

WHOLE = (0.0, 1.0)
# `[a|b|c]` next to `[d|e]` has as many texts as the product, and each text is encoded.
MAX_CLAUSES = 64


@dataclass(frozen=True)
class Clause:
    """One prompt to encode, and the parts of the schedule in which it is active.

    `texts` has one entry for each text given (one for each encoder); `weight` is the share of this
    clause among the clauses of the same time. `ranges` are the times as written, in fractions of
    the schedule; `percents` are the same times as ComfyUI's start_percent and end_percent, moved so
    that no step begins exactly at a border (`schedule_times.percent_of`).
    """

    texts: tuple[str, ...]
    weight: float = 1.0
    ranges: tuple[tuple[float, float], ...] = (WHOLE,)
    percents: tuple[tuple[float, float], ...] = (WHOLE,)

    @property
    def is_always(self) -> bool:
        """Whether the clause is active from the first step to the last."""
        return self.ranges == (WHOLE,)


def parse_spans(text: str) -> Spans:
    """Parse a prompt. The parser is imported on first use: it loads slowly."""
    from ...prompt.syntax.parse import parse

    return parse(text).spans


def clauses(texts: Sequence[str], steps: int) -> tuple[Clause, ...]:
    """Return the clauses of a prompt in a schedule of `steps` steps.

    `texts` are the same prompt for different encoders; a time in one of them divides all. At least
    one clause is active at every time. A prompt without any of the forms is one clause with the
    texts as they are.
    Raises ValueError if AND splits the texts into different numbers, for a weight of 0 or less
    after AND, and for more than MAX_CLAUSES clauses.
    """
    parsed = [parse_spans(text) for text in texts]
    are_steps = {Fraction(0): False, Fraction(1): False}
    for spans in parsed:
        for time, is_step in change_times(spans, steps).items():
            are_steps[time] = are_steps.get(time, False) or is_step
    percents = {time: percent_of(time, steps, is_step) for time, is_step in are_steps.items()}
    ranges: dict[tuple[tuple[str, ...], float], list[tuple[Fraction, Fraction]]] = {}
    for start, end in pairwise(sorted(are_steps)):
        for clause in _split_at_and([text_at(spans, start, steps) for spans in parsed]):
            active = ranges.setdefault(clause, [])
            if active and active[-1][1] == start:
                active[-1] = (active[-1][0], end)
            else:
                active.append((start, end))
            if len(ranges) > MAX_CLAUSES:
                raise ValueError(
                    f"The prompt's schedules make more than {MAX_CLAUSES} different texts: use "
                    "fewer schedules, or alternations of the same length."
                )
    return tuple(
        Clause(
            prompt,
            weight,
            tuple((float(start), float(end)) for start, end in active),
            tuple((percents[start], percents[end]) for start, end in active),
        )
        for (prompt, weight), active in ranges.items()
    )


def _split_at_and(texts: Sequence[str]) -> list[tuple[tuple[str, ...], float]]:
    """The prompts joined by AND, each with its texts and its weight.

    A text without AND belongs to every prompt.
    """
    columns = [_and_parts(text) for text in texts]
    count = max(map(len, columns))
    for column in columns:
        if len(column) not in (1, count):
            raise ValueError(
                f"AND splits one text into {count} prompts and another into {len(column)}: give "
                "each text the same number of prompts, or one without AND."
            )
    if count == 1:
        return [(tuple(column[0][0] for column in columns), 1.0)]
    rows = zip(*(column * (count // len(column)) for column in columns), strict=True)
    weights: dict[tuple[str, ...], float] = {}
    for row in rows:
        prompt = tuple(text for text, _ in row)
        # The weights are those of the first text. A repeated prompt has the sum of its weights.
        weights[prompt] = weights.get(prompt, 0.0) + row[0][1]
    return list(weights.items())


def _and_parts(text: str) -> list[tuple[str, float]]:
    """The prompts between the ANDs of a text, each with its weight; blank ones are left out."""
    spans = parse_spans(text)
    borders = [
        index
        for index, kind in enumerate(spans.kinds)
        if kind is SpanKind.BREAK and spans.texts[index] == AND
    ]
    if not borders:
        return [(text, 1.0)]
    weighted = []
    for start, end in pairwise([-1, *borders, len(spans)]):
        part, weight = split_and_weight("".join(spans.texts[start + 1 : end]))
        if not part.strip():
            continue
        if weight is not None and weight <= 0:
            raise ValueError(
                f"AND with the weight {weight:g}: ComfyUI takes a weighted mean of the prompts, so "
                "a weight must be above 0. Put unwanted things into the negative prompt."
            )
        weighted.append((part.strip(), 1.0 if weight is None else weight))
    return weighted or [("", 1.0)]
