"""The share of a run that is done, and its cancel."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from ..listening import listening
from ..lm.generate.completion import Cancelled

Read = TypeVar("Read")

# The progress is 0.9 at the expected number of tokens: a field may end earlier or continue.
_STEEPNESS = math.log(10)


class ProgressMeter:
    """Reports the share of a run that is done, from 0 to 1; the share never falls.

    `variants` run side by side; the share is their mean. `report` may be None.
    """

    def __init__(self, report: Callable[[float], None] | None, variants: int = 1) -> None:
        self._report = report
        self._shares = [0.0] * variants
        self._share = 0.0
        self._is_cancelled = False

    def token_counter(
        self, expected: int, start: float = 0.0, width: float = 1.0, variant: int = 0
    ) -> Callable[[int], None]:
        """Return an `on_token` callback for completions of one variant that follow each other.

        The number of tokens of a field is not known before. So the variant's share rises with each
        token from `start` towards `start + width`, and has 0.9 of the way at `expected` tokens.
        """
        earlier = last = 0

        def on_token(tokens: int) -> None:
            nonlocal earlier, last
            if tokens <= last:  # the next completion has begun
                earlier += last
            last = tokens
            done = 1 - math.exp(-_STEEPNESS * (earlier + tokens) / expected)
            share = min(1.0, start + width * done)
            self._shares[variant] = max(self._shares[variant], share)
            self.reach(sum(self._shares) / len(self._shares))

        return on_token

    @property
    def is_cancelled(self) -> bool:
        """Whether the callback has cancelled the run between two stages."""
        return self._is_cancelled

    def check(self) -> None:
        """Let the callback raise between two stages of work on a text, where no token was written.

        There is no text to return yet, so that a `Cancelled` is raised again at the next token.
        """
        try:
            self.reach(self._share)
        except Cancelled:
            self._is_cancelled = True

    def read(self, work: Callable[[], Read], *texts: str) -> Read:
        """Return the result of `work`; the callback may cancel while long texts are read."""
        return listening(work, self.check, sum(map(len, texts)))

    def reach(self, share: float) -> None:
        """Report `share`, or the largest share so far."""
        if self._is_cancelled:
            raise Cancelled
        self._share = max(self._share, share)
        if self._report is not None:
            self._report(self._share)
