"""Tokens heard, as a share of the work."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

from ..lm.generate.completion import Result, Steps
from ..lm.generate.stop_reason import StopReason
from .tasks import Field, Span

# Where the expected number of tokens is 0.9 of the way: a field may end earlier or go on.
_STEEPNESS = math.log(10)
_TOKENS = MappingProxyType({Field.TAG: 4, Field.SHORT: 16, Field.LONG: 16})


def expected_tokens(field: Field, present: int, span: Span) -> int:
    """Return about how many tokens bring a field of `present` tags or sentences into `span`.

    A model may end a field once it has the least of its length class, and often does.
    """
    return _TOKENS[field] * max(1, span.least - present)


class Meter:
    """Hears the tokens of completions that follow each other; reports the share that is done.

    Nobody knows how many tokens a field will take. The share rises with every one of them from
    `start` towards `start + width`, steeply at first: `expected` tokens are 0.9 of the way.
    `was_cancelled` tells whether a completion was cut short.
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
        done = 1 - math.exp(-_STEEPNESS * (self._before + tokens) / self._expected)
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
