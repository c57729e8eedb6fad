"""The state of files, as the executor keeps it to see that one was replaced.

ComfyUI also writes what a node returns for it into the pictures that are saved, which people share:
so it tells nothing of the files, least of all where they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def state_of(files: Iterable[Path]) -> str:
    """Return a digest of the files' paths, times and sizes, "" for no file.

    Raises OSError for a file that is not there.
    """
    states = [(str(path), path.stat()) for path in files]
    digest = hashlib.blake2b(digest_size=12)
    for path, stat in states:
        digest.update(
            f"{path}\n{stat.st_mtime_ns} {stat.st_size}\n".encode("utf-8", "surrogateescape")
        )
    return digest.hexdigest() if states else ""
