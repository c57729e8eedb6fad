"""A digest of files, by which ComfyUI's executor sees that a file was replaced.

ComfyUI writes a node's fingerprint into saved pictures, which people share: the digest does not
reveal the paths of the files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def state_of(files: Iterable[Path]) -> str:
    """Return a digest of the files' paths, times and sizes, or "" for no files.

    Raises OSError for a missing file.
    """
    states = [(str(path), path.stat()) for path in files]
    digest = hashlib.blake2b(digest_size=12)
    for path, stat in states:
        digest.update(
            f"{path}\n{stat.st_mtime_ns} {stat.st_size}\n".encode("utf-8", "surrogateescape")
        )
    return digest.hexdigest() if states else ""
