"""The times at which a prompt changes, and its text at one time.

Times are exact fractions of the schedule, 0 to 1. `prompt_schedule` describes the forms.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from ...prompt.syntax.span_kind import SpanKind

if TYPE_CHECKING:
    from ...prompt.syntax.parse import Span, Spans

# A tenth of one of a model's thousand timesteps, as a share of the schedule.
_EARLY = 1e-4
_GROUPS = (SpanKind.WEIGHT, SpanKind.SCHEDULE, SpanKind.ALTERNATION)
_ESCAPED_SIGN = re.compile(r"\\([\[\]|])")


def change_times(spans: Spans, steps: int) -> dict[Fraction, bool]:
    """All times at which the text changes, each with whether it is the beginning of a step."""
    are_steps: dict[Fraction, bool] = {}
    _add_times(spans, steps, are_steps)
    return are_steps


def percent_of(time: Fraction, steps: int, is_step: bool) -> float:
    """The time as ComfyUI's start_percent or end_percent, a share of the model's timesteps.

    No step of a sampler may begin exactly at a border: ComfyUI would apply both texts, or rounding
    would choose one. A fraction becomes earlier by `_EARLY`, so that a step that begins there gets
    the later text. The beginning of step i is placed between the latest beginning of step i - 1
    among ComfyUI's schedulers, (i - 1) / (steps - 1) of "normal", and the earliest beginning of
    step i, i / steps of "sgm_uniform" and "simple".
    """
    if time in (0, 1):
        return float(time)
    if not is_step:
        return max(float(time) - _EARLY, 0.0)
    return float(time + (time * steps - 1) / (steps - 1)) / 2


def text_at(spans: Spans, time: Fraction, steps: int, *, keeps_escapes: bool = False) -> str:
    """The text from `time` on until the next change, with or without the signs of escapes."""
    output = []
    for span in spans:
        if span.kind not in _GROUPS:
            is_escape = span.kind is SpanKind.ESCAPE and not keeps_escapes
            output.append(_ESCAPED_SIGN.sub(r"\1", span.text) if is_escape else span.text)
            continue
        chosen = None
        if span.kind is SpanKind.ALTERNATION:
            texts = _alternatives(span)
            chosen = texts[int(time * steps) % len(texts)]
        elif span.kind is SpanKind.SCHEDULE and (scheduled := _schedule(span, steps)):
            texts, times = scheduled
            chosen = texts[sum(when <= time for when in times)]
        if chosen is None:
            inside = text_at(span.children, time, steps, keeps_escapes=keeps_escapes)
            output += [span.text[0], inside, span.text[-1]]
        else:
            output.append(text_at(chosen, time, steps, keeps_escapes=keeps_escapes))
    return "".join(output)


def _add_times(spans: Spans, steps: int, are_steps: dict[Fraction, bool]) -> None:
    for span in spans:
        if span.kind not in _GROUPS:
            continue
        if span.kind is SpanKind.SCHEDULE and (scheduled := _schedule(span, steps)):
            for part, time in zip(_time_texts(span), scheduled[1], strict=True):
                # A border typed as a step stays one where a fraction meets it.
                are_steps[time] = are_steps.get(time, False) or not _is_fraction(part)
        elif span.kind is SpanKind.ALTERNATION:
            are_steps.update({Fraction(step, steps): True for step in range(1, steps)})
        _add_times(span.children, steps, are_steps)


def _schedule(group: Span, steps: int) -> tuple[list[Spans], list[Fraction]] | None:
    """The texts of `[from:to:when]` in order and the times between them; None for another form."""
    times = [_time(part, steps) for part in _time_texts(group)]
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


def _alternatives(group: Span) -> list[Spans]:
    """The texts between the colons or bars of a group."""
    children = group.children
    if group.kind is SpanKind.SCHEDULE:
        children = children[:-1]
    found, start = [], 0
    marks = [index for index, kind in enumerate(children.kinds) if kind is SpanKind.MARK]
    for end in [*marks, len(children)]:
        found.append(children[start:end])
        start = end + 1
    return found


def _time_texts(schedule: Span) -> list[str]:
    """The times of a schedule as typed: `:0.2, 4` -> "0.2", " 4"."""
    return schedule.children[-1].text[1:].split(",")


def _is_fraction(time: str) -> bool:
    return "." in time or "%" in time


def _time(text: str, steps: int) -> Fraction:
    number = Fraction(text.strip().rstrip("%"))
    if "%" in text:
        number /= 100
    elif not _is_fraction(text):
        number /= steps
    return min(max(number, Fraction(0)), Fraction(1))
