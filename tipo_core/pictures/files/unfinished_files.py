"""Temporary files of pictures that are being written, and those that a crash left."""

from __future__ import annotations

import hashlib
import platform
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

DAY = 24 * 3600.0
# The second form is that of earlier versions: ".name_00001_.png.1234.tmp".
_NAMES = (
    re.compile(r"\.tipo-(?P<machine>[0-9a-f]{8})-(?P<process>[0-9]{1,9})-[0-9]+\.tmp"),
    re.compile(r"\..+_[0-9]{5,}_\.(?:png|webp|jpg|avif)\.(?P<process>[0-9]{1,9})\.tmp"),
)


def unfinished_name(process: int) -> str:
    """Return a name for a temporary file of a process: short, for a folder with long names."""
    return f".tipo-{_machine()}-{process}-{threading.get_ident()}.tmp"


def _machine() -> str:
    # Machines and containers that share a folder have processes with the same numbers.
    return hashlib.blake2b(platform.node().encode("utf-8"), digest_size=4).hexdigest()


def remove_leftovers(
    folder: Path, own_process: int, started_at: Callable[[int], float | None]
) -> list[str]:
    """Remove the temporary files that crashed processes left in a folder; return their names.

    `started_at` is the time at which a process of this machine started, in seconds since 1970, or
    None for one that does not run. A file of a running process stays, unless it is older than the
    process. A file of another machine stays for a day. The own process must not be writing.
    """
    removed = []
    for path, machine, process in _unfinished_files(folder):
        try:
            written_at = path.stat().st_mtime
            if machine not in (None, _machine()):
                is_left = time.time() - written_at > DAY
            else:
                start = None if process == own_process else started_at(process)
                is_left = start is None or written_at < start
            if is_left:
                path.unlink()
                removed.append(path.name)
        except OSError:
            continue  # another process removed it, or it may not be removed
    return removed


def _unfinished_files(folder: Path) -> Iterator[tuple[Path, str | None, int]]:
    """The temporary files of a folder, with the machine, where it is known, and the process."""
    try:
        names = [path for path in folder.iterdir() if path.name.endswith(".tmp")]
    except OSError:
        return
    for path in names:
        for pattern in _NAMES:
            if found := pattern.fullmatch(path.name):
                parts = found.groupdict()
                yield path, parts.get("machine"), int(parts["process"])
                break
