"""The times of a prompt's schedules, and the steps at which they come.

A time with a point or a percent sign is a fraction, another one is the number of a step. Steps are
counted from 0 and from the first step that runs, so a time of 8 comes after eight steps.

Fractions are read in one of two ways:

- of the steps: the A1111 web UI's rule (`get_learned_conditioning_prompt_schedules` in
  `modules/prompt_parser.py`), int(fraction * steps) in floating point: 0.57 of 10 steps comes after
  five steps, 0.29 of 100 after 28 (0.29 * 100 is 28.999999999999996);
- of the timesteps: ComfyUI's start_percent, a share of the model's timesteps. The step depends on
  the scheduler.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

OF_STEPS = "of the steps"
OF_TIMESTEPS = "of the timesteps"
FRACTIONS = (OF_STEPS, OF_TIMESTEPS)

# A tenth of one of a model's thousand timesteps, as a share of the schedule.
EARLY = 1e-4
_TIMESTEP = 1.1e-3
# An alternation is not faster than the timesteps of a model.
_SHORTEST_PERIOD = Fraction(1, 1000)


@dataclass(frozen=True)
class Time:
    """A time as typed: a fraction of the schedule (0.57, 57%), or a number of steps (8)."""

    value: Fraction
    is_fraction: bool


# The step at which a time comes; a fraction of a step where the sampler's steps are not known.
StepOf = Callable[[Time], Fraction | int]


def read_time(text: str) -> Time:
    """Read the time of a schedule as the parser finds it: "0.5", " 40%", "-3"."""
    text = text.strip()
    if text.endswith("%"):
        return Time(Fraction(text[:-1]) / 100, True)
    return Time(Fraction(text), "." in text)


def steps_of_a1111(steps: int) -> StepOf:
    """Return A1111's rule for a sampler of `steps` steps."""

    def step_of(time: Time) -> int:
        value = float(time.value) * steps if time.is_fraction else time.value
        return min(max(int(value), 0), steps)

    return step_of


def steps_of_timesteps(steps: int) -> StepOf:
    """Return the rule for fractions of the timesteps where the sampler's schedule is unknown."""

    def step_of(time: Time) -> Fraction:
        value = time.value * steps if time.is_fraction else time.value
        return Fraction(min(max(value, Fraction(0)), Fraction(steps)))

    return step_of


@dataclass(frozen=True)
class Changes:
    """The clock of `[from:to:when]`: its text changes at each of the times."""

    times: tuple[Time, ...]

    def reading(self, step: Fraction | int, step_of: StepOf) -> int:
        """The number of the text at a step: the first one whose time has not come."""
        for number, time in enumerate(self.times):
            if step < step_of(time):
                return number
        return len(self.times)

    def borders(self, steps: int, step_of: StepOf) -> Iterator[tuple[Fraction | int, bool]]:
        """The steps at which the text may change, each with whether it was typed as a step."""
        for time in self.times:
            yield step_of(time), not time.is_fraction


@dataclass(frozen=True)
class Turns:
    """The clock of `[a|b]`: the next of `count` texts after each `period`, or after each step."""

    count: int
    period: Time | None = None

    def reading(self, step: Fraction | int, step_of: StepOf) -> int:
        """The number of the text at a step."""
        if self.period is None or not self.period.is_fraction:
            every = int(self.period.value) if self.period else 1
            return int(step) // every % self.count
        turns = self._turns()
        done = bisect_right(turns, step, key=lambda turn: step_of(self._time_of(turn)))
        return done % self.count

    def borders(self, steps: int, step_of: StepOf) -> Iterator[tuple[Fraction | int, bool]]:
        """The steps at which the text changes, each with whether it was typed as a step."""
        if self.period is None or not self.period.is_fraction:
            every = int(self.period.value) if self.period else 1
            yield from ((step, True) for step in range(every, steps, every))
        else:
            yield from ((step_of(self._time_of(turn)), False) for turn in self._turns())

    def is_between_steps(self, steps: int) -> bool:
        """Whether the text would change between two steps of a sampler."""
        if self.period is None or not self.period.is_fraction:
            return False
        every = self._period() * steps
        return every < 1 or any((every * turn).denominator != 1 for turn in self._turns())

    def _turns(self) -> range:
        return range(1, int(1 / self._period()) + 1)

    def _time_of(self, turn: int) -> Time:
        return Time(self._period() * turn, True)

    def _period(self) -> Fraction:
        assert self.period is not None
        return max(self.period.value, _SHORTEST_PERIOD)


Clock = Changes | Turns


def percent_of(time: Fraction, steps: int, is_step: bool, *, is_share: bool = False) -> float:
    """The time as ComfyUI's start_percent or end_percent, a share of the model's timesteps.

    No step of a sampler may begin exactly at a border: ComfyUI would apply both texts, or rounding
    would choose one. The beginning of step i is placed between the latest beginning of step i - 1
    among ComfyUI's even schedulers, (i - 1) / (steps - 1) of "normal", and the earliest beginning
    of step i, up to one of 1000 timesteps before i / steps, of "simple". A time typed as a fraction
    stays near it, since the sampler may have other steps; with `is_share` it is a share of the
    timesteps and becomes earlier by `EARLY`, so that a step that begins there gets the later text.
    """
    if time in (0, 1):
        return float(time)
    if is_share and not is_step:
        return max(float(time) - EARLY, 0.0)
    middle = float(time + (time * steps - 1) / (steps - 1)) / 2
    return middle if is_step else max(middle, float(time) - _TIMESTEP)
