"""One set-up at a time: a lock that the system itself lets go when its holder dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from devkit.messages import say

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


_held: list[int] = []


def held_descriptors() -> list[int]:
    """Return the open lock files, for children that must keep the lock when we are killed.

    An installer outlives a killed dev.py for a moment; nobody may touch .venv before it has ended.
    """
    return list(_held)


@contextmanager
def only_one(path: Path, poll_seconds: float = 0.2) -> Iterator[None]:
    """Hold the lock file for the time of the block; wait, and say so, while another holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
        said = False
        while not _try_lock(file):
            if not said:
                say("another dev.py is setting up this checkout: waiting for it …")
                said = True
            time.sleep(poll_seconds)
        _held.append(file.fileno())
        try:
            yield
        finally:
            _held.remove(file.fileno())
