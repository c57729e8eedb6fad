"""Download a published model from the Hugging Face hub, with progress, cancel, resume and checksum.

A file is written to a partial file in the folder `.download` and moved to its place once its size,
checksum and type are right. The checksum is the one that the hub reports: the sha256 of a large
file, the git sha1 of a small one. A file for which the server reports neither is refused. A file
that is on disk under the right name is fetched again if it is of another type (see
`files.file_type`). A lock file (`filelock`) lets one process at a time download a model.

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
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ...optional_imports import require
from ...units import bytes_text
from ..files.file_type import wrong_type
from .catalog import KnownModel
from .transfer import CHUNK, Disk, Hub, Interrupted, receive

__all__ = ["STAGING", "Disk", "DownloadError", "Hub", "download"]

STAGING = ".download"
_HASH_CHUNK = 1 << 22  # bytes
# Attempts without progress before the download fails.
_MAX_FAILURES = 5
# Bytes beyond the best attempt so far that count as progress.
_PROGRESS = CHUNK
_REFUSALS = (401, 403, 404)
_DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_ALLOWED = (".safetensors", ".gguf", ".json", ".model")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT_SHA1 = re.compile(r"[0-9a-f]{40}")
_log = logging.getLogger("tipo-suite")

OnBytes = Callable[[int, int], None]


class DownloadError(RuntimeError):
    """A model could not be downloaded; the message says why and what to do."""


@dataclass(frozen=True)
class _Remote:
    """A file on the hub; `checksum` is its sha256, or the git sha1 of a small file."""

    url: str
    checksum: str
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
        # A phrase for each file on disk that is not of its type.
        self._wrong: list[str] = []
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
        except DownloadError as error:
            if not self._wrong:
                raise
            raise DownloadError(f"{'; '.join(self._wrong)}: {error}") from error
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
        missing_files = [names for names in self._model.download_files if not self._is_there(names)]
        for phrase in self._wrong:
            _log.warning("%s: it is downloaded again", phrase)
        remotes = dict(self._look_up(names) for names in missing_files)
        # With the checksum in the name a new version is not appended to an old one.
        staging = self._folder / STAGING
        self._partial = {
            name: staging / f"{name}.{remote.checksum[:16]}.part"
            for name, remote in remotes.items()
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

    def _is_there(self, names: tuple[str, ...]) -> bool:
        """Whether the first file of `names` on disk is of its type, as far as it can be read."""
        paths = (self._folder / name for name in names)
        path = next((path for path in paths if path.is_file()), None)
        kind = wrong_type(path) if path else ""
        if kind:
            self._wrong.append(f"{path} is {kind}")
        return path is not None and not kind

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
            checksum = re.sub(r"\W", "", found.etag or "")
            is_known = _SHA256.fullmatch(checksum) or _GIT_SHA1.fullmatch(checksum)
            if not is_known or found.size is None:
                raise self._unverifiable(url, found.etag)
            return name, _Remote(url, checksum, found.size)
        raise DownloadError(
            f"{self._model.repository} on the hub has no file {' or '.join(names)}: {self._manual}"
        )

    def _fetch(self, remote: _Remote, path: Path) -> None:
        """Download to a partial file; resume after interruptions as long as bytes arrive.

        A server without ranges begins each answer with the first byte, so that the best attempt is
        the measure of progress, not the last one.
        """
        failures, best = 0, _size(path)
        while _size(path) < remote.size or not path.exists():
            try:
                self._continue(remote, path)
            except Interrupted as error:
                has_progress = _size(path) >= best + _PROGRESS
                best = max(best, _size(path))
                failures = 1 if has_progress else failures + 1
                if failures == _MAX_FAILURES:
                    raise self._unreachable(remote.url, error.__cause__ or error) from error
                self._report(_size(path))
                time.sleep(self._hub.pause)

    def _continue(self, remote: _Remote, path: Path) -> None:
        """Download the rest of a file over one connection; raise Interrupted if it ends early."""
        headers = self._library.utils.build_hf_headers() | {"Accept-Encoding": "identity"}
        if _size(path):
            headers["Range"] = f"bytes={_size(path)}-"
        with receive(self._hub, remote.url, headers) as (status, chunks), path.open("ab") as file:
            if status in _REFUSALS:
                raise self._refused(remote.url, f"status {status}")
            if status not in (200, 206):
                raise Interrupted(f"status {status}")
            if status == 200:  # the server ignored the range and sends the whole file
                file.truncate(0)
            for chunk in chunks:
                self._hub.disk.write(file, chunk)
                file.flush()
                self._report(_size(path))
                if _size(path) > remote.size:
                    break
        if _size(path) < remote.size:
            raise Interrupted("the connection was closed")

    def _check(self, remote: _Remote, path: Path) -> None:
        """Delete the file and raise DownloadError if its size, checksum or type is wrong."""
        size = _size(path)
        if size != remote.size or self._checksum(remote, path) != remote.checksum:
            path.unlink()
            raise DownloadError(
                f"the download of {remote.url} is damaged ({size} of {remote.size} bytes, or a "
                "wrong checksum) and was deleted: run again"
            )
        kind = wrong_type(path, Path(remote.url).suffix)
        if kind:
            path.unlink()
            raise DownloadError(
                f"the download of {remote.url} was deleted, because it is {kind}: check "
                f"HF_ENDPOINT and the proxy, or {self._manual}"
            )

    def _checksum(self, remote: _Remote, path: Path) -> str:
        """Return the file's checksum by the algorithm of the hub's."""
        if _SHA256.fullmatch(remote.checksum):
            digest = hashlib.sha256()
        else:
            digest = hashlib.sha1(f"blob {remote.size}\0".encode(), usedforsecurity=False)
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

    def _unverifiable(self, url: str, etag: str | None) -> DownloadError:
        return DownloadError(
            f"{self._model.name} was not downloaded, because the answer for {url} has the ETag "
            f"{etag!r}, which is no checksum of the hub: check HF_ENDPOINT, the proxy and the "
            f"login page of the network, or {self._manual}"
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


def _size(path: Path) -> int:
    """Return the size of a file in bytes, 0 if it does not exist."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
