"""Progress on standard error: a bar of tqdm where it is installed, else a line every 5 s."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def progress_bar(total: int, label: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes the number of pictures just done; silent without a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield _Lines(total, label).update
        return
    with tqdm(total=total, desc=label, unit="picture", file=sys.stderr) as bar:
        yield bar.update


class _Lines:
    """Progress as plain lines, for an environment without tqdm."""

    def __init__(self, total: int, label: str) -> None:
        self._total, self._label = total, label
        self._done = 0
        self._written = time.monotonic()

    def update(self, more: int) -> None:
        self._done += more
        now = time.monotonic()
        if self._done >= self._total or now - self._written >= _SECONDS_BETWEEN_LINES:
            self._written = now
            sys.stderr.write(f"{self._label}: {self._done} of {self._total}\n")
