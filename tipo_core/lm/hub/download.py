"""Download a published model from the Hugging Face hub, with progress, cancel, resume and checksum.

A file is written to a partial file in the folder `.download` and moved to its place once its size
and checksum are right. A lock file (`filelock`) lets one process at a time download a model.

The transfer is our own because `hf_hub_download` does not serve the oldest supported version,
huggingface_hub 0.26 (ComfyUI 0.3.75 requires transformers >= 4.50.3, which requires hub >= 0.26 and
filelock). Its `hf_hub_download` has no argument for progress or cancelling (`tqdm_class` is newer),
and no version compares the sha256 of the received file. URLs, metadata, token, proxies and offline
mode are those of `huggingface_hub`.
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
# Sizes in bytes.
_CHUNK = 1 << 14
_HASH_CHUNK = 1 << 22
# Attempts without progress before the download fails.
_MAX_FAILURES = 5
_REFUSALS = (401, 403, 404)
_DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_ALLOWED = (".safetensors", ".gguf", ".json", ".model")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT_SHA1 = re.compile(r"[0-9a-f]{40}")
_log = logging.getLogger("tipo-suite")

OnBytes = Callable[[int, int], None]


class DownloadError(RuntimeError):
    """A model could not be downloaded; the message says why and what to do."""


class _Interrupted(Exception):
    """The connection failed or ended before the whole file was received."""


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
    `pause` (between attempts) and `timeout` (of a hanging connection) are in seconds.
    """

    endpoint: str | None = None
    session: Any = None
    pause: float = 1.0
    timeout: float | None = None
    disk: Disk = field(default_factory=Disk)


@dataclass(frozen=True)
class _Remote:
    """A file on the hub; `etag` is its sha256, or the git sha1 of a small file."""

    url: str
    etag: str
    size: int


def download(
    model: KnownModel, root: Path, on_bytes: OnBytes | None = None, hub: Hub | None = None
) -> Path:
    """Download the missing files of `model` to `root`; return its folder or GGUF file.

    `on_bytes` is called with the bytes received and the bytes in total. It may raise to cancel; the
    next download resumes from the partial files. Raises DownloadError.
    """
    return _Download(model, root, on_bytes or (lambda done, total: None), hub or Hub()).run()


class _Download:
    """One download: the files of a model, one after the other."""

    def __init__(self, model: KnownModel, root: Path, on_bytes: OnBytes, hub: Hub) -> None:
        self._model = model
        self._folder = model.folder(root)
        self._manual = model.manual_download(root)
        self._on_bytes = on_bytes
        self._hub = hub
        self._library = require("huggingface_hub")
        self._partial: dict[str, Path] = {}
        self._done = 0
        self._total = 0

    def run(self) -> Path:
        """Download the missing files; return the model's folder or GGUF file."""
        try:
            (self._folder / STAGING).mkdir(parents=True, exist_ok=True)
            with self._lock():
                self._download_missing()
        except OSError as error:
            raise self._disk_error(error) from error
        is_file = self._model.is_gguf_download
        return self._folder / self._model.gguf if is_file else self._folder

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Hold the lock of this model; a cancel ends the wait for another process."""
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

    def _download_missing(self) -> None:
        """Look up all missing files, check the free space, then download them."""
        missing_files = [names for names in self._model.download_files if not self._exists(names)]
        remotes = dict(self._look_up(names) for names in missing_files)
        # With the checksum in the name a new version is not appended to an old one.
        staging = self._folder / STAGING
        self._partial = {
            name: staging / f"{name}.{remote.etag[:16]}.part" for name, remote in remotes.items()
        }
        self._total = sum(remote.size for remote in remotes.values())
        if self._hub.disk.free(self._folder) < self._total - self._received():
            raise self._full()
        for name, remote in remotes.items():
            _log.info("downloading %s to %s", remote.url, self._folder)
            self._fetch(remote, self._partial[name])
            self._check(remote, self._partial[name])
            os.replace(self._partial[name], self._folder / name)
            for old_version in staging.glob(f"{name}.*.part"):
                old_version.unlink(missing_ok=True)
            self._done += remote.size

    def _exists(self, names: tuple[str, ...]) -> bool:
        return any((self._folder / name).is_file() for name in names)

    def _received(self) -> int:
        return self._done + sum(_size(path) for path in self._partial.values())

    def _look_up(self, names: tuple[str, ...]) -> tuple[str, _Remote]:
        """Return the first of `names` that the hub has, with its metadata."""
        hub = self._library
        for name in names:
            assert name.endswith(_ALLOWED), f"{name} is not a file type of a model"
            self._report()
            url = hub.hf_hub_url(self._model.repository, name, endpoint=self._hub.endpoint)
            try:
                found = hub.get_hf_file_metadata(url)
            except hub.utils.EntryNotFoundError:
                continue
            # The exception class for a missing network depends on the version of huggingface_hub.
            except Exception as error:
                status = getattr(getattr(error, "response", None), "status_code", None)
                refused = status in _REFUSALS
                raise (self._refused if refused else self._unreachable)(url, error) from error
            if not found.etag or found.size is None:
                raise self._unreachable(
                    url, "the answer has no ETag or size, so another server than the hub sent it"
                )
            return name, _Remote(url, re.sub(r"\W", "", found.etag), found.size)
        raise DownloadError(
            f"{self._model.repository} on the hub has no file {' or '.join(names)}: {self._manual}"
        )

    def _fetch(self, remote: _Remote, path: Path) -> None:
        """Download to a partial file; resume after interruptions as long as bytes arrive."""
        failures = 0
        while _size(path) < remote.size or not path.exists():
            before = _size(path)
            try:
                self._continue(remote, path)
            except _Interrupted as error:
                failures = 1 if _size(path) > before else failures + 1
                if failures == _MAX_FAILURES:
                    raise self._unreachable(remote.url, error.__cause__ or error) from error
                self._report(_size(path))
                time.sleep(self._hub.pause)

    def _continue(self, remote: _Remote, path: Path) -> None:
        """Download the rest of a file over one connection; raise _Interrupted if it ends early."""
        headers = self._library.utils.build_hf_headers() | {"Accept-Encoding": "identity"}
        if _size(path):
            headers["Range"] = f"bytes={_size(path)}-"
        with self._answer(remote.url, headers) as (status, chunks), path.open("ab") as file:
            if status in _REFUSALS:
                raise self._refused(remote.url, f"status {status}")
            if status not in (200, 206):
                raise _Interrupted(f"status {status}")
            if status == 200:  # the server ignored the range and sends the whole file
                file.truncate(0)
            for chunk in chunks:
                self._hub.disk.write(file, chunk)
                file.flush()
                self._report(_size(path))
                if _size(path) > remote.size:
                    break
        if _size(path) < remote.size:
            raise _Interrupted("the connection was closed")

    @contextmanager
    def _answer(self, url: str, headers: dict[str, str]) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Yield status and body of a URL, in chunks; raise _Interrupted for a network error."""
        session = self._hub.session or self._library.utils.get_session()
        timeout = self._hub.timeout or self._library.constants.HF_HUB_DOWNLOAD_TIMEOUT
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
            raise _Interrupted(str(error)) from error
        try:
            is_httpx = hasattr(answer, "iter_raw")
            body = answer.iter_raw() if is_httpx else answer.iter_content(_CHUNK)
            yield answer.status_code, _chunks(body)
        finally:
            opened.__exit__(None, None, None)

    def _check(self, remote: _Remote, path: Path) -> None:
        """Delete the file and raise DownloadError if its size or checksum is wrong."""
        if _size(path) == remote.size and self._checksum(remote, path) in (remote.etag, None):
            return
        size = _size(path)
        path.unlink()
        raise DownloadError(
            f"the download of {remote.url} is damaged ({size} of {remote.size} bytes, or a wrong "
            "checksum) and was deleted: run again"
        )

    def _checksum(self, remote: _Remote, path: Path) -> str | None:
        """Return the file's checksum by the algorithm of the ETag, None if that is unknown."""
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

    def _report(self, in_this_file: int = 0) -> None:
        """Call `on_bytes`; its exception cancels the download."""
        self._on_bytes(self._done + in_this_file, self._total)

    def _unreachable(self, url: str, cause: object) -> DownloadError:
        first_line = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
        return DownloadError(
            f"{self._model.name} was not downloaded, {url} cannot be reached ({first_line}): run "
            f"again to resume, or {self._manual}"
        )

    def _refused(self, url: str, cause: object) -> DownloadError:
        first_line = (str(cause).strip().splitlines() or ["no reason"])[0]
        return DownloadError(
            f"{self._model.name} was not downloaded, the hub refuses {url} ({first_line}): accept "
            "the model's conditions there and log in with `hf auth login` or HF_TOKEN, or "
            f"{self._manual}"
        )

    def _full(self) -> DownloadError:
        free = self._hub.disk.free(self._folder)
        return DownloadError(
            f"{self._model.name} needs {bytes_text(self._total - self._received())} more in "
            f"{self._folder} and {bytes_text(free)} are free there: free disk space and run "
            "again, the download resumes"
        )

    def _disk_error(self, error: OSError) -> DownloadError:
        if error.errno in _DISK_FULL:
            return self._full()
        return DownloadError(
            f"{self._model.name} cannot be written to {self._folder} ({error}): make the folder "
            f"writable, or {self._manual}"
        )


def _chunks(body: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the chunks of a body; raise _Interrupted for a network error."""
    while True:
        try:
            chunk = next(body, None)
        except Exception as error:
            raise _Interrupted(str(error)) from error
        if chunk is None:
            return
        yield chunk


def _size(path: Path) -> int:
    """Return the size of a file in bytes, 0 if it does not exist."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
