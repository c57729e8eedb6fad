"""One connection to the hub: the body of a URL in chunks, with a floor for its rate."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ...optional_imports import require

CHUNK = 1 << 14  # bytes
# A connection with fewer bytes per second is replaced.
_MIN_RATE = 1000


class Interrupted(Exception):
    """The connection failed, ended before the whole file was received, or is too slow."""


class Disk:
    """Access to the disk, which tests replace to simulate a full one."""

    def free(self, folder: Path) -> int:
        """Return the free space in bytes."""
        return shutil.disk_usage(folder).free

    def write(self, file: IO[bytes], chunk: bytes) -> None:
        """Append `chunk` to `file`."""
        file.write(chunk)


@dataclass(frozen=True)
class Hub:
    """Connection settings; the defaults are those of `huggingface_hub`.

    `session` is a client of httpx or requests, whichever the version of huggingface_hub uses.
    `pause` (between attempts) and `timeout` (of a hanging connection) are in seconds. The rate of a
    connection is measured over `patience` seconds.
    """

    endpoint: str | None = None
    session: Any = None
    pause: float = 1.0
    timeout: float | None = None
    patience: float = 30.0
    disk: Disk = field(default_factory=Disk)


@contextmanager
def receive(hub: Hub, url: str, headers: dict[str, str]) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Yield status and body of a URL, in chunks; a chunk is yielded as soon as bytes arrive.

    Raises Interrupted for a network error, and while the body is read if fewer than 1 kB per second
    arrive for `hub.patience` seconds.
    """
    library = require("huggingface_hub")
    session = hub.session or library.utils.get_session()
    timeout = hub.timeout or library.constants.HF_HUB_DOWNLOAD_TIMEOUT
    # Not a `with` statement, which would also catch the exceptions of the caller's block.
    try:
        # A method of httpx; in requests `stream` is a flag.
        if callable(getattr(session, "stream", None)):
            opened = session.stream(
                "GET", url, headers=headers, timeout=timeout, follow_redirects=True
            )
        else:
            opened = session.get(url, headers=headers, timeout=timeout, stream=True)
        answer = opened.__enter__()
    except Exception as error:
        raise Interrupted(str(error)) from error
    try:
        yield answer.status_code, _at_least_min_rate(_chunks(_body(answer)), hub.patience)
    finally:
        opened.__exit__(None, None, None)


def _body(answer: Any) -> Iterator[bytes]:
    """Yield the body of an answer of httpx or requests as it arrives."""
    if hasattr(answer, "iter_raw"):
        yield from answer.iter_raw()
        return
    # urllib3 before 2.2 has no `read1`, and its other methods wait for a whole chunk.
    read1 = getattr(answer.raw, "read1", None)
    if read1 is None:
        yield from answer.iter_content(CHUNK >> 4)
        return
    while chunk := read1(CHUNK):
        yield chunk


def _chunks(body: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the chunks of a body; raise Interrupted for a network error."""
    while True:
        try:
            chunk = next(body, None)
        except Exception as error:
            raise Interrupted(str(error)) from error
        if chunk is None:
            return
        yield chunk


def _at_least_min_rate(chunks: Iterator[bytes], patience: float) -> Iterator[bytes]:
    """Yield the chunks; raise Interrupted if they arrive too slowly.

    The timeout of a socket does not help: it starts again with every byte.
    """
    begin, received = time.monotonic(), 0
    for chunk in chunks:
        yield chunk
        received += len(chunk)
        seconds = time.monotonic() - begin
        if seconds < patience:
            continue
        if received < seconds * _MIN_RATE:
            raise Interrupted(f"fewer than 1 kB/s arrived for {seconds:.0f} seconds")
        begin, received = time.monotonic(), 0
