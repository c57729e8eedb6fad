"""Hashes of model files, by which model sites know them: computed once, in the background.

A1111 shortens SHA-256 of the file: ten digits for models and VAEs, twelve for embeddings and LoRAs.
Of a LoRA in the safetensors format only the bytes after the header count, so that notes in the
header do not change the hash; a header may also state it (`sshs_model_hash`).
Sources: A1111's modules/hashes.py and extensions-builtin/Lora/network.py.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .image_file import write_whole
from .used_files import LORA, MODEL, VAE, UsedFile

BLOCK = 1 << 20
LONGEST_HEADER = 100_000_000  # bytes, the limit of the safetensors format
_HEX = re.compile("[0-9a-f]{64}")
logger = logging.getLogger("tipo-suite")


@dataclass(frozen=True)
class PictureHashes:
    """The short hashes of a picture's files; LoRAs and embeddings by name."""

    model: str | None = None
    vae: str | None = None
    loras: Mapping[str, str] = field(default_factory=dict)
    embeddings: Mapping[str, str] = field(default_factory=dict)


def picture_hashes(found: Iterable[tuple[UsedFile, str]]) -> PictureHashes:
    """Return the short hashes of the files of a picture, which `hash_of` gave."""
    model = vae = None
    loras: dict[str, str] = {}
    embeddings: dict[str, str] = {}
    for used, digest in found:
        if used.kind == MODEL:
            model = digest[:10]
        elif used.kind == VAE:
            vae = digest[:10]
        elif used.kind == LORA:
            loras[used.short_name] = digest[:12]
        else:
            embeddings[used.short_name] = digest[:12]
    return PictureHashes(model, vae, loras, embeddings)


def hash_of(path: Path, kind: str) -> str:
    """Return SHA-256 of a file, or of its tensors for a LoRA; see above. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        if kind == LORA and path.suffix.lower() == ".safetensors":
            length = int.from_bytes(file.read(8), "little")
            header = file.read(length) if length <= LONGEST_HEADER else b""
            if stated := _stated_hash(header):
                return stated
            file.seek(8 + length if header else 0)
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _stated_hash(header: bytes) -> str | None:
    """The hash that a safetensors header states."""
    try:
        stated = json.loads(header)["__metadata__"]["sshs_model_hash"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    is_hash = isinstance(stated, str) and _HEX.fullmatch(stated.lower())
    return stated.lower() if is_hash else None


class HashFolder:
    """Hashes that were computed, one small file each, by the path, time and size of the model file.

    Names of the files are digests, which do not reveal the paths.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def key(self, path: Path, kind: str) -> str:
        """Return the name of a model file's entry. Raises OSError."""
        stat = path.stat()
        state = f"{kind == LORA} {path}\n{stat.st_mtime_ns} {stat.st_size}"
        content = state.encode("utf-8", "surrogateescape")
        return hashlib.blake2b(content, digest_size=16).hexdigest()

    def find(self, path: Path, kind: str) -> str | None:
        """Return the hash of a file if it was computed for this state of the file."""
        try:
            found = (self._folder / self.key(path, kind)).read_text("ascii").strip()
        except (OSError, ValueError):
            return None
        return found if _HEX.fullmatch(found) else None

    def compute(self, path: Path, kind: str) -> None:
        """Compute and keep the hash of a file. Raises OSError."""
        key = self.key(path, kind)
        found = hash_of(path, kind)
        if self.key(path, kind) == key:  # else the file was replaced meanwhile
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._folder / key, f"{found}\n".encode("ascii"))


class HashThread(threading.Thread):
    """Computes the hashes of files, small files first. It does not keep the program from ending."""

    def __init__(self, folder: HashFolder, files: Iterable[tuple[Path, str]]) -> None:
        super().__init__(name="tipo-suite file hashes", daemon=True)
        self._folder = folder
        self.files = sorted(files, key=lambda file: _size(file[0]))

    def run(self) -> None:
        for path, kind in self.files:
            try:
                self._folder.compute(path, kind)
            except OSError as error:
                logger.warning("no hash of '%s' for saved pictures: %s", path.name, error)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # the thread reports it


def start_computing(folder: HashFolder, files: Iterable[tuple[Path, str]]) -> HashThread | None:
    """Start a thread for the files (path, kind) that no running thread computes, if any."""
    running = [one for one in threading.enumerate() if isinstance(one, HashThread)]
    busy = {file for one in running for file in one.files}
    waiting = [file for file in dict.fromkeys(files) if file not in busy]
    if not waiting:
        return None
    thread = HashThread(folder, waiting)
    thread.start()
    return thread


def wait_for(thread: threading.Thread, seconds: float, check: Callable[[], None]) -> None:
    """Wait for a thread at most some seconds; `check` may raise to stop the wait."""
    steps = max(round(seconds / 0.1), 1)
    for _ in range(steps):
        check()
        thread.join(0.1)
        if not thread.is_alive():
            return
