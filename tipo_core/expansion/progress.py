"""Tokens heard, as a share of the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..lm.asking import Result, Steps
from ..lm.stop_reason import StopReason


class Meter:
    """Hears the tokens of completions that follow each other; reports the share that is done.

    The share rises from `start` towards `start + width`, where `expected` tokens would reach it,
    and stays just below. `was_cancelled` tells whether a completion was cut short.
    """

    def __init__(
        self,
        report: Callable[[float], None] | None,
        expected: int,
        start: float = 0.0,
        width: float = 1.0,
    ) -> None:
        self.was_cancelled = False
        self._report = report
        self._expected = expected
        self._start = start
        self._width = width
        self._before = self._last = 0

    def __call__(self, tokens: int) -> None:
        """Hear that the running completion has `tokens` tokens by now."""
        if tokens <= self._last:
            self._before += self._last
        self._last = tokens
        if self._report is None:
            return
        done = min(0.99, (self._before + tokens) / self._expected)
        self._report(self._start + self._width * done)

    def hear(self, steps: Steps[Result]) -> Steps[Result]:
        """Run `steps`, hearing all that they ask for."""
        try:
            ask = next(steps)
            while True:
                completion = yield replace(ask, on_token=self)
                self.was_cancelled |= completion.reason is StopReason.CANCELLED
                ask = steps.send(completion)
        except StopIteration as done:
            result: Result = done.value
            return result
