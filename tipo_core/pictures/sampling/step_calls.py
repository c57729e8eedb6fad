"""The sampler step to which each model call belongs.

A sampler of the second order calls the model more than once in a step, and some do so at the noise
level of the next step. The noise level alone does not tell these calls from the first call of the
next step, and neither do the callbacks: most samplers report a step after its first call. A
rehearsal of the sampler (nodes/image/rehearsal.py) records both in order, and `calls_of_steps`
assigns them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .guidance import step_at

# Relative: uni_pc converts the noise levels of the schedule and back.
_SAME_LEVEL = 1e-3


@dataclass(frozen=True)
class CallSteps:
    """The step and the noise level of each model call, in the order of the calls."""

    steps: tuple[int, ...]
    levels: tuple[float, ...]

    def begin_at(self, sigmas: Sequence[float]) -> bool:
        """Whether each step begins at its noise level in a schedule (steps + 1 levels)."""
        levels: dict[int, float] = {}
        for step, level in zip(self.steps, self.levels, strict=True):
            levels.setdefault(step, level)
        return list(levels) == list(range(len(sigmas) - 1)) and all(
            _is_same(level, sigmas[step]) for step, level in levels.items()
        )


@dataclass(frozen=True)
class Rehearsal:
    """The noise levels of model calls in order; None stands for the report of a finished step.

    Samplers report a step after its first call or at its end.
    """

    events: tuple[float | None, ...]

    @property
    def levels(self) -> tuple[float, ...]:
        """The noise level of each call."""
        return tuple(event for event in self.events if event is not None)

    @property
    def reports_at_end(self) -> bool:
        """Whether a step is reported at its end: several calls are before the first report."""
        return None in self.events[2:] and None not in self.events[:2]


def calls_of_steps(rehearsal: Rehearsal, sigmas: Sequence[float]) -> CallSteps | None:
    """Return the step of each call of a sampler that reports each step of the schedule once.

    `sigmas` are the noise levels of the schedule, steps + 1. A sampler that reports other steps but
    calls the model once per step of the schedule (dpm_fast) has one step for each call. None for
    any other sampler, such as dpm_adaptive.
    """
    count = len(sigmas) - 1
    levels = rehearsal.levels
    if rehearsal.events.count(None) != count:
        return CallSteps(tuple(range(count)), levels) if len(levels) == count else None
    begins = _first_calls(rehearsal, sigmas)
    steps = []
    step = -1
    for call in range(len(levels)):
        while step + 1 < count and begins[step + 1] <= call:
            step += 1
        steps.append(max(step, 0))
    return CallSteps(tuple(steps), levels)


def _first_calls(rehearsal: Rehearsal, sigmas: Sequence[float]) -> list[int]:
    """The number of the first call of each step."""
    levels = rehearsal.levels
    begins: list[int] = []
    call = reported = 0
    for event in rehearsal.events:
        if event is not None:
            call += 1
            continue
        step = len(begins)
        # Calls that may be the first of the step: those since the first call of the step before.
        earliest = begins[-1] + 1 if begins else 0
        at_level = [i for i in range(earliest, call) if levels[i] == sigmas[step]]
        if not begins:
            first = 0
        elif at_level:
            # heun evaluates this level twice: the first time it belongs to the step before.
            first = at_level[-1]
        else:
            first = reported if rehearsal.reports_at_end else call - 1
        begins.append(first)
        reported = call
    return begins


class StepInProgress:
    """Follows a sampling run: the step of each model call, counted from 0.

    `calls` come from a rehearsal. Without them, and after the first call whose noise level differs
    from the rehearsal's, the noise level gives the step, and `is_exact` is False. With
    `keeps_step` such a step is kept until the sampler reports it.
    """

    def __init__(
        self, sigmas: Sequence[float], calls: CallSteps | None, *, keeps_step: bool = False
    ) -> None:
        self.sigmas = sigmas
        self.calls = calls
        self.keeps_step = keeps_step
        self.is_exact = calls is not None
        self._done = 0
        self._kept: int | None = None

    def of_call(self, level: float) -> int:
        """Return the step of the next model call, at a noise level."""
        number = self._done
        self._done += 1
        rehearsed = self.calls.levels[number : number + 1] if self.is_exact and self.calls else ()
        if self.calls and rehearsed and _is_same(level, rehearsed[0]):
            return self.calls.steps[number]
        self.is_exact = False
        if self.keeps_step and self._kept is not None:
            return self._kept
        self._kept = min(int(step_at(level, self.sigmas)), len(self.sigmas) - 2)
        return self._kept

    def report(self) -> None:
        """Record that the sampler reported a step."""
        self._kept = None


def _is_same(level: float, other: float) -> bool:
    return math.isclose(level, other, rel_tol=_SAME_LEVEL, abs_tol=1e-6)
