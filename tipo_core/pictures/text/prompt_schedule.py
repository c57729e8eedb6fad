"""A prompt that changes while the picture is sampled: its clauses and the times of each one.

The forms are those of the A1111 web UI (`modules/prompt_parser.py`) and of ComfyUI-prompt-control:

- `[from:to:when]`, `[to:when]` and `[from::when]` change at `when`; `[from:to:more:when]` is the
  same, and `more` is never used;
- `[during:start,end]`, `[during:after:start,end]` and `[before:during:after:start,end]` change
  twice;
- `[SEQ:a:0.2:b:0.5]` has `a` until 0.2, `b` until 0.5, then nothing;
- `[a|b|c]` takes the next alternative at each step, over and over, `[a|b:0.2]` after each fifth of
  the schedule, `[a|b:3]` after each three steps;
- `one AND two :0.5` are two prompts sampled together, with weights;
- `BREAK` begins a new chunk of the encoder (`prompt_chunks`).

`schedule_times` has the rules for times. The forms nest. All other brackets are left to ComfyUI;
`\\[`, `\\]`, `\\|` and `\\:` are the characters themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from ...prompt.syntax.composition import AND, split_and_weight
from ...prompt.syntax.span_kind import SpanKind
from .schedule_forms import Template, parse_spans, read_template
from .schedule_times import (
    OF_STEPS,
    Changes,
    StepOf,
    Turns,
    percent_of,
    steps_of_a1111,
    steps_of_timesteps,
)

WHOLE = (0.0, 1.0)
# `[a|b|c]` next to `[d|e]` has as many texts as the product, and each text is encoded.
MAX_CLAUSES = 64
_MAX_LATE = 4


@dataclass(frozen=True)
class Clause:
    """One prompt to encode, and the parts of the schedule in which it is active.

    `texts` has one entry for each text given (one for each encoder); `weight` is the share of this
    clause among the clauses of the same time. `ranges` are the times as fractions of the schedule;
    `percents` are the same times as ComfyUI's start_percent and end_percent, moved so that no step
    begins exactly at a border (`schedule_times.percent_of`).
    """

    texts: tuple[str, ...]
    weight: float = 1.0
    ranges: tuple[tuple[float, float], ...] = (WHOLE,)
    percents: tuple[tuple[float, float], ...] = (WHOLE,)

    @property
    def is_always(self) -> bool:
        """Whether the clause is active from the first step to the last."""
        return self.ranges == (WHOLE,)

    @property
    def prompt(self) -> WeightedTexts:
        """The texts and the weight."""
        return self.texts, self.weight


WeightedTexts = tuple[tuple[str, ...], float]


@dataclass(frozen=True)
class StepPlan:
    """The prompts of each step of a sampler; `replaced` are steps whose prompt was not encoded."""

    prompts: tuple[tuple[WeightedTexts, ...], ...]
    replaced: tuple[int, ...] = ()


@dataclass(frozen=True)
class PromptSchedule:
    """A prompt with schedules for a sampler of `steps` steps.

    `texts` are the same prompt for different encoders; a time in one of them divides all.
    `fractions` says what a fraction is a share of, one of `schedule_times.FRACTIONS`. With
    `is_a1111` the texts keep their escapes and `[a]`, which A1111's reader resolves.
    """

    texts: tuple[str, ...]
    steps: int
    fractions: str = OF_STEPS
    is_a1111: bool = False

    @property
    def has_steps(self) -> bool:
        """Whether fractions are counted in steps, as in A1111."""
        return self.fractions == OF_STEPS

    @property
    def changes(self) -> bool:
        """Whether the texts hold a schedule, even one that comes after the last step."""
        return bool(self._reader.clocks)

    def clauses(self) -> tuple[Clause, ...]:
        """Return the clauses; at least one is active at every time.

        A prompt without any of the forms is one clause with the texts as they are. Raises
        ValueError if AND splits the texts into different numbers, for a weight of 0 or less after
        AND, and for more than MAX_CLAUSES clauses.
        """
        steps, reader = self.steps, self._reader
        are_steps: dict[Fraction, bool] = {Fraction(0): False, Fraction(steps): False}
        step_of = self._own_rule()
        for clock in reader.clocks:
            for border, is_step in clock.borders(steps, step_of):
                # A border typed as a step stays one where a fraction meets it.
                are_steps[Fraction(border)] = are_steps.get(Fraction(border), False) or is_step
        percents = {
            step: percent_of(Fraction(step) / steps, steps, is_step, is_share=not self.has_steps)
            for step, is_step in are_steps.items()
        }
        ranges: dict[WeightedTexts, list[tuple[Fraction, Fraction]]] = {}
        for start, end in pairwise(sorted(are_steps)):
            for prompt in reader.prompts(start, step_of):
                active = ranges.setdefault(prompt, [])
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
                texts,
                weight,
                tuple((float(start / steps), float(end / steps)) for start, end in active),
                tuple((percents[start], percents[end]) for start, end in active),
            )
            for (texts, weight), active in ranges.items()
        )

    def plan(self, steps: int, count: int, step_of: StepOf | None = None) -> StepPlan:
        """Return the prompts of the first `count` steps of a sampler of `steps` steps.

        `step_of` gives the step of a fraction of the timesteps; without it fractions are A1111's.
        Only prompts of `clauses` are returned: where a sampler with another number of steps needs
        another text, the step has the prompts of the same share of the schedule.
        """
        reader = self._reader
        encoded = {clause.prompt for clause in self.clauses()}
        rule = step_of or steps_of_a1111(steps)
        own_rule = self._own_rule()
        prompts: list[tuple[WeightedTexts, ...]] = []
        replaced = []
        for step in range(count):
            try:
                wanted = reader.prompts(step, rule)
            except ValueError:  # AND in texts that do not belong together
                wanted = ()
            if not wanted or not encoded.issuperset(wanted):
                replaced.append(step)
                share = Fraction(min(step, steps), steps)
                wanted = reader.prompts(share * self.steps, own_rule)
            prompts.append(wanted)
        return StepPlan(tuple(prompts), tuple(replaced))

    def notes(self) -> tuple[str, ...]:
        """Return a note on each form that is not read as typed, and on times that are too late."""
        notes = dict.fromkeys(note for one in self._reader.templates for note in one.notes)
        late = {
            int(time.value)
            for clock in self._reader.clocks
            if isinstance(clock, Changes)
            for time in clock.times
            if not time.is_fraction and time.value >= self.steps
        }
        after = ", ".join(map(str, sorted(late)[:_MAX_LATE]))
        late_notes = [f"schedule_steps is {self.steps}: no step follows step {after}"]
        clocks = self._reader.clocks if self.has_steps else ()
        between = {
            float(clock.period.value)
            for clock in clocks
            if isinstance(clock, Turns) and clock.period and clock.is_between_steps(self.steps)
        }
        between_notes = [
            f"[a|b:{period:g}] changes every {period * self.steps:g} of {self.steps} steps: a "
            "change within a step applies from its start, so a text may have fewer steps or none"
            for period in sorted(between)[:_MAX_LATE]
        ]
        return (*notes, *(late_notes if late else ()), *between_notes)

    @cached_property
    def _reader(self) -> _Reader:
        return _Reader(self.texts, self.is_a1111)

    def _own_rule(self) -> StepOf:
        return (steps_of_a1111 if self.has_steps else steps_of_timesteps)(self.steps)


@dataclass(frozen=True)
class ScheduledText:
    """The clause of a schedule that one entry of a conditioning holds.

    A clause with several time ranges has several entries; `is_first` marks one of them. `percents`
    are the start_percent and end_percent of the entry.
    """

    schedule: PromptSchedule
    prompt: WeightedTexts
    percents: tuple[float, float]
    is_first: bool


class _Reader:
    """Reads the prompts of a moment; each reading of the clocks is read once."""

    def __init__(self, texts: Sequence[str], is_a1111: bool) -> None:
        read = {text: read_template(text, is_a1111=is_a1111) for text in texts}
        self.templates: list[Template] = [read[text] for text in texts]
        self.clocks = tuple(
            dict.fromkeys(clock for template in read.values() for clock in template.clocks)
        )
        self._prompts: dict[tuple[int, ...], tuple[WeightedTexts, ...]] = {}

    def prompts(self, step: Fraction | int, step_of: StepOf) -> tuple[WeightedTexts, ...]:
        readings = {clock: clock.reading(step, step_of) for clock in self.clocks}
        key = tuple(readings.values())
        if key not in self._prompts:
            texts = [template.text(readings) for template in self.templates]
            self._prompts[key] = tuple(_split_at_and(texts))
        return self._prompts[key]


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
    # The weights are those of the first text with an AND.
    shares = [weight for _, weight in next(one for one in columns if len(one) == count)]
    rows = zip(*(column * (count // len(column)) for column in columns), strict=True)
    weights: dict[tuple[str, ...], float] = {}
    for row, share in zip(rows, shares, strict=True):
        prompt = tuple(text for text, _ in row)
        # A repeated prompt has the sum of its weights.
        weights[prompt] = weights.get(prompt, 0.0) + share
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
