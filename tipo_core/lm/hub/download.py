"""Fetch a published model from the Hugging Face hub: resumed, checked, and whole or not at all.

A file grows as a partial file in `.download` beside its place and moves there once its size and
its checksum are right. A lock file lets one process at a time work on a model. Endpoint, token,
proxies and offline mode are `huggingface_hub`'s own business.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ...optional_imports import require
from ...units import bytes_text
from .catalog import KnownModel

STAGING = ".download"
_CHUNK = 1 << 14
_HASH_CHUNK = 1 << 22
_TRIES = 5
_REFUSALS = (401, 403, 404)
_IS_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_FETCHED = (".safetensors", ".gguf", ".json", ".model")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT_SHA1 = re.compile(r"[0-9a-f]{40}")
_log = logging.getLogger("tipo-suite")

OnBytes = Callable[[int, int], None]


class DownloadError(RuntimeError):
    """A model could not be fetched; the text says why and what to do."""


class _Cut(Exception):
    """The connection ended before the file did."""


class Disk:
    """Where the bytes go."""

    def free(self, folder: Path) -> int:
        """Return how many bytes there is room for."""
        return shutil.disk_usage(folder).free

    def write(self, file: IO[bytes], chunk: bytes) -> None:
        """Append a chunk."""
        file.write(chunk)


@dataclass(frozen=True)
class Hub:
    """How the hub is reached; the defaults are `huggingface_hub`'s settings.

    `session` is a client of httpx or requests: huggingface_hub brings the one or the other along,
    depending on its version. `pause`, between tries, and `timeout`, of a connection that hangs, are
    in seconds.
    """

    endpoint: str | None = None
    session: Any = None
    pause: float = 1.0
    timeout: float | None = None
    disk: Disk = field(default_factory=Disk)


@dataclass(frozen=True)
class _Remote:
    """A file on the hub: its checksum is the sha256, or git's sha1 of a small file."""

    url: str
    etag: str
    size: int


def download(
    model: KnownModel, root: Path, on_bytes: OnBytes | None = None, hub: Hub | None = None
) -> Path:
    """Fetch the files of `model` that are missing below `root`; return its folder or file.

    `on_bytes` is called with the bytes that are there and those of all files, and may raise to
    cancel: what was fetched by then stays for the next time. Raises DownloadError.
    """
    return _Download(model, root, on_bytes or (lambda done, total: None), hub or Hub()).run()


class _Download:
    def __init__(self, model: KnownModel, root: Path, on_bytes: OnBytes, hub: Hub) -> None:
        self._model = model
        self._folder = model.folder(root)
        self._by_hand = model.by_hand(root)
        self._on_bytes = on_bytes
        self._hub = hub
        self._library = require("huggingface_hub")
        self._partial: dict[str, Path] = {}
        self._done = 0
        self._total = 0

    def run(self) -> Path:
        """Fetch what is missing."""
        try:
            (self._folder / STAGING).mkdir(parents=True, exist_ok=True)
            with self._lock():
                self._fetch_all()
        except OSError as error:
            raise self._disk_error(error) from error
        is_file = self._model.comes_as_gguf
        return self._folder / self._model.gguf if is_file else self._folder

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Wait until no other process fetches this model; a cancel ends the wait."""
        filelock = require("filelock")
        lock = filelock.FileLock(str(self._folder / STAGING / f"{self._model.name}.lock"))
        while True:
            with suppress(filelock.Timeout):
                lock.acquire(timeout=0.2)
                break
            self._report()
        try:
            yield
        finally:
            lock.release()

    def _fetch_all(self) -> None:
        wanted = [names for names in self._model.parts if not self._there(names)]
        remotes = dict(self._look_up(names) for names in wanted)
        # Another version of a file on the hub gets another partial file.
        staging = self._folder / STAGING
        self._partial = {
            name: staging / f"{name}.{remote.etag[:16]}.part" for name, remote in remotes.items()
        }
        self._total = sum(remote.size for remote in remotes.values())
        missing = self._total - self._fetched()
        if self._hub.disk.free(self._folder) < missing:
            raise self._full()
        for name, remote in remotes.items():
            _log.info("downloading %s to %s", remote.url, self._folder)
            self._fetch(remote, self._partial[name])
            self._check(remote, self._partial[name])
            os.replace(self._partial[name], self._folder / name)
            for of_other_version in staging.glob(f"{name}.*.part"):
                of_other_version.unlink(missing_ok=True)
            self._done += remote.size

    def _there(self, names: tuple[str, ...]) -> bool:
        return any((self._folder / name).is_file() for name in names)

    def _fetched(self) -> int:
        return self._done + sum(_size(path) for path in self._partial.values())

    def _look_up(self, names: tuple[str, ...]) -> tuple[str, _Remote]:
        """Return the first of `names` that the hub has, and what it says of it."""
        hub = self._library
        for name in names:
            assert name.endswith(_FETCHED), f"{name} is not of a kind that is fetched"
            self._report()
            url = hub.hf_hub_url(self._model.repository, name, endpoint=self._hub.endpoint)
            try:
                found = hub.get_hf_file_metadata(url)
            except hub.utils.EntryNotFoundError:
                continue
            # Which library's error a missing network is depends on the version of huggingface_hub.
            except Exception as error:
                status = getattr(getattr(error, "response", None), "status_code", None)
                refused = status in _REFUSALS
                raise (self._refused if refused else self._unreachable)(url, error) from error
            if not found.etag or found.size is None:
                raise self._unreachable(url, "the answer has no ETag and size, so is not the hub's")
            return name, _Remote(url, re.sub(r"\W", "", found.etag), found.size)
        raise DownloadError(
            f"{self._model.repository} on the hub has no {' or '.join(names)}: {self._by_hand}"
        )

    def _fetch(self, remote: _Remote, path: Path) -> None:
        """Let the partial file grow to its size, over as many connections as that takes."""
        failures = 0
        while _size(path) < remote.size or not path.exists():
            before = _size(path)
            try:
                self._continue(remote, path)
            except _Cut as error:
                failures = 1 if _size(path) > before else failures + 1
                if failures == _TRIES:
                    raise self._unreachable(remote.url, error.__cause__ or error) from error
                self._report(_size(path))
                time.sleep(self._hub.pause)

    def _continue(self, remote: _Remote, path: Path) -> None:
        """Fetch the rest of a file over one connection; raise _Cut where that ends early."""
        headers = self._library.utils.build_hf_headers() | {"Accept-Encoding": "identity"}
        if _size(path):
            headers["Range"] = f"bytes={_size(path)}-"
        with self._answer(remote.url, headers) as (status, chunks), path.open("ab") as file:
            if status in _REFUSALS:
                raise self._refused(remote.url, f"status {status}")
            if status not in (200, 206):
                raise _Cut(f"status {status}")
            if status == 200:  # all of it, whether or not the rest was asked for
                file.truncate(0)
            for chunk in chunks:
                self._hub.disk.write(file, chunk)
                file.flush()
                self._report(_size(path))
                if _size(path) > remote.size:
                    break
        if _size(path) < remote.size:
            raise _Cut("the connection was closed")

    @contextmanager
    def _answer(self, url: str, headers: dict[str, str]) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Open a URL: the status, and the body in chunks. A network's error is a _Cut."""
        session = self._hub.session or self._library.utils.get_session()
        timeout = self._hub.timeout or self._library.constants.HF_HUB_DOWNLOAD_TIMEOUT
        # Not inside `with`: what the caller raises there must not be taken for a network's error.
        try:
            if callable(
                getattr(session, "stream", None)
            ):  # httpx; requests has a flag of that name
                opened = session.stream(
                    "GET", url, headers=headers, timeout=timeout, follow_redirects=True
                )
            else:
                opened = session.get(url, headers=headers, timeout=timeout, stream=True)
            answer = opened.__enter__()
        except Exception as error:
            raise _Cut(str(error)) from error
        try:
            is_httpx = hasattr(answer, "iter_raw")
            body = answer.iter_raw() if is_httpx else answer.iter_content(_CHUNK)
            yield answer.status_code, _cut_short(body)
        finally:
            opened.__exit__(None, None, None)

    def _check(self, remote: _Remote, path: Path) -> None:
        """Raise, and delete the file, if it is not what the hub said."""
        if _size(path) == remote.size and self._checksum(remote, path) in (remote.etag, None):
            return
        size = _size(path)
        path.unlink()
        raise DownloadError(
            f"{remote.url} came damaged ({size} bytes of {remote.size}, or a wrong checksum) and "
            "was deleted: run again"
        )

    def _checksum(self, remote: _Remote, path: Path) -> str | None:
        """Return the file's checksum of the kind that the hub gave, None where it gave neither."""
        if _SHA256.fullmatch(remote.etag):
            digest = hashlib.sha256()
        elif _GIT_SHA1.fullmatch(remote.etag):
            digest = hashlib.sha1(f"blob {remote.size}\0".encode(), usedforsecurity=False)
        else:
            return None
        with path.open("rb") as file:
            while chunk := file.read(_HASH_CHUNK):
                digest.update(chunk)
                self._report(remote.size)
        return digest.hexdigest()

    def _report(self, of_this_file: int = 0) -> None:
        self._on_bytes(self._done + of_this_file, self._total)

    def _unreachable(self, url: str, cause: object) -> DownloadError:
        first_line = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
        return DownloadError(
            f"{self._model.name} was not downloaded, {url} cannot be reached ({first_line}): run "
            f"again to go on, or {self._by_hand}"
        )

    def _refused(self, url: str, cause: object) -> DownloadError:
        first_line = (str(cause).strip().splitlines() or ["no reason"])[0]
        return DownloadError(
            f"{self._model.name} was not downloaded, the hub refuses {url} ({first_line}): accept "
            "the model's conditions there and log in with `hf auth login` or HF_TOKEN, or "
            f"{self._by_hand}"
        )

    def _full(self) -> DownloadError:
        free = self._hub.disk.free(self._folder)
        return DownloadError(
            f"{self._model.name} needs {bytes_text(self._total - self._fetched())} more in "
            f"{self._folder} and {bytes_text(free)} are free there: make room and run again, what "
            "was fetched stays"
        )

    def _disk_error(self, error: OSError) -> DownloadError:
        if error.errno in _IS_FULL:
            return self._full()
        return DownloadError(
            f"{self._model.name} cannot be written to {self._folder} ({error}): let ComfyUI write "
            f"there, or {self._by_hand}"
        )


def _cut_short(body: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the chunks of a body; an error of the network is a _Cut."""
    while True:
        try:
            chunk = next(body, None)
        except Exception as error:
            raise _Cut(str(error)) from error
        if chunk is None:
            return
        yield chunk


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
