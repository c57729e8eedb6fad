"""The features of all pictures in a folder."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from .extractors import Extractor
from .feature_cache import FeatureCache, picture_key
from .picture_folder import UnreadablePicture, open_picture, picture_files
from .progress_bar import progress_bar

_THREADS = 4
_SECONDS_BETWEEN_WRITES = 60.0
_log = logging.getLogger("tipo-suite")


@dataclass(frozen=True)
class FolderFeatures:
    """Features (N, D) in float32 of `files`; `skipped` files with the reason."""

    folder: Path
    files: tuple[Path, ...]
    features: torch.Tensor
    skipped: tuple[tuple[Path, str], ...]


@dataclass(frozen=True)
class Reading:
    """How folders are read.

    `batch` pictures at a time; the first `limit` by name (0: all); `cache` is the folder of cached
    features; `strict` makes an unreadable picture an error.
    """

    batch: int = 32
    limit: int = 0
    cache: Path | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"batch is {self.batch}: give 1 or more")
        if self.limit < 0:
            raise ValueError(f"limit is {self.limit}: give 1 or more, or 0 for all pictures")


def folder_features(folder: Path, extractor: Extractor, reading: Reading) -> FolderFeatures:
    """Return the features of the pictures in `folder`, in the order of their names.

    The cache is written also where the run is interrupted. A picture that cannot be read is logged
    and skipped. Raises ValueError if none can be read.
    """
    everything = picture_files(folder)
    files = everything[: reading.limit or None]
    cache = None
    keys: dict[Path, bytes] = {}
    if reading.cache is not None:
        keys = {path: picture_key(path) for path in everything}
        cache = FeatureCache(reading.cache, folder, extractor.identity)
        cache.keep_only(keys.values())
    known = {path: None if cache is None else cache.get(keys[path]) for path in files}
    found = {path: features for path, features in known.items() if features is not None}
    skipped: list[tuple[Path, str]] = []
    last_write = time.monotonic()
    with progress_bar(len(files), folder.name) as advance:
        advance(len(found))
        try:
            missing = [path for path in files if path not in found]
            for first in range(0, len(missing), reading.batch):
                batch = missing[first : first + reading.batch]
                for path, features in _computed(batch, extractor, skipped, reading.strict):
                    found[path] = features
                    if cache is not None:
                        cache.put(keys[path], features)
                advance(len(batch))
                if cache is not None and time.monotonic() - last_write > _SECONDS_BETWEEN_WRITES:
                    cache.write()
                    last_write = time.monotonic()
        finally:
            if cache is not None:
                cache.write()
    if not found:
        raise ValueError(
            f"none of the {len(files)} pictures in {folder} can be read: see the warnings above"
        )
    read = tuple(path for path in files if path in found)
    return FolderFeatures(folder, read, torch.stack([found[p] for p in read]), tuple(skipped))


def _computed(
    files: Sequence[Path], extractor: Extractor, skipped: list[tuple[Path, str]], strict: bool
) -> list[tuple[Path, torch.Tensor]]:
    """Return the features of a batch; unreadable files are added to `skipped`."""

    def prepared(path: Path) -> torch.Tensor | str:
        try:
            picture = open_picture(path)
        except UnreadablePicture as error:
            return str(error)
        return extractor.prepare(picture)

    with ThreadPoolExecutor(_THREADS) as pool:  # Pillow decodes without the interpreter lock
        answers = list(zip(files, pool.map(prepared, files), strict=True))
    tensors = [(path, answer) for path, answer in answers if not isinstance(answer, str)]
    for path, answer in answers:
        if isinstance(answer, str):
            if strict:
                raise ValueError(f"{path} cannot be read: {answer}")
            _log.warning("%s is skipped: %s", path, answer)
            skipped.append((path, answer))
    if not tensors:
        return []
    shapes = {tuple(tensor.shape) for _, tensor in tensors}
    if len(shapes) > 1:
        raise ValueError(
            f"{extractor.name} keeps the sizes of pictures, and a batch has {len(shapes)} sizes: "
            "give --batch 1"
        )
    try:
        features = extractor.features(torch.stack([tensor for _, tensor in tensors]))
    except torch.OutOfMemoryError as error:
        raise RuntimeError(
            f"out of memory with {len(tensors)} pictures at a time: give a smaller --batch, or "
            "--device cpu"
        ) from error
    paths = [path for path, _ in tensors]
    for path, row in zip(paths, features, strict=True):
        if not bool(row.isfinite().all()):
            raise ValueError(
                f"{extractor.name} gives NaN or infinite features for {path}: remove the "
                "picture, or choose other --features"
            )
    return list(zip(paths, features, strict=True))
