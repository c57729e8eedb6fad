"""One set-up at a time: a file lock, which the system releases when its holder dies.

Not the package `filelock`: the set-up runs in the system's Python before .venv exists, with the
standard library alone. Children inherit this lock's descriptor, and filelock hides it.
"""

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
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # 1 byte at the file's start
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


# Descriptors of the locks that this process holds.
_held: list[int] = []


def held_descriptors() -> list[int]:
    """Return the descriptors of the held locks, which the children of this process inherit.

    An installer outlives a killed dev.py for a moment. With the descriptor it keeps the lock until
    it ends, so that no other dev.py touches .venv until then.
    """
    return list(_held)


@contextmanager
def only_one(path: Path, poll_seconds: float = 0.2) -> Iterator[None]:
    """Hold the lock while the block runs; if another process holds it, print that and wait."""
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
