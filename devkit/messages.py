"""Messages on stderr: progress, timed steps, and errors that name the step, cause and remedy."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

# Windows reports a full disk as ERROR_DISK_FULL or ERROR_HANDLE_DISK_FULL.
_DISK_FULL_WINERRORS = (112, 39)


class StepError(Exception):
    """A failed step: its name, the cause, and the remedy."""

    def __init__(self, step: str, why: str, remedy: str) -> None:
        super().__init__(step, why, remedy)
        self.step = step
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        why = self.why.replace("\n", "\n              ")
        return f"failed step:  {self.step}\nwhy:          {why}\nwhat to do:   {self.remedy}"


def say(text: str = "") -> None:
    """Print a line to stderr; stdout holds results alone."""
    print(text, file=sys.stderr, flush=True)


def is_disk_full(error: OSError) -> bool:
    """Return whether the system reports a full disk."""
    return (
        error.errno in (errno.ENOSPC, errno.EDQUOT)
        or getattr(error, "winerror", None) in _DISK_FULL_WINERRORS
    )


@contextmanager
def step(
    name: str, remedy: str = "see the cause above; then run the same command again"
) -> Iterator[None]:
    """Announce and time a step; raise an OSError of the block as StepError."""
    say(f"{name} …")
    started = time.monotonic()
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise StepError(
                name, f"the disk is full ({error})", "free some space and run the command again"
            ) from error
        raise StepError(name, str(error), remedy) from error
    say(f"  done in {time.monotonic() - started:.1f} s")
