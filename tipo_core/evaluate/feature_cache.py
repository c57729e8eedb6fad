"""Cached features: one safetensors file for each folder of pictures and extractor."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable
from pathlib import Path

import torch

from ..optional_imports import require

_KEY_BYTES = 16
_log = logging.getLogger("tipo-suite")


def picture_key(path: Path) -> bytes:
    """Return a key of a picture's path, size and modification time."""
    state = path.stat()
    text = f"{path.resolve()}\n{state.st_size}\n{state.st_mtime_ns}"
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=_KEY_BYTES).digest()


class FeatureCache:
    """The features (D,), float32, of the pictures in `pictures`, by `picture_key`.

    The file in `folder` holds `keys` (N, 16) uint8 and `features` (N, D). Features of a file that
    cannot be read are computed again, with a warning.
    """

    def __init__(self, folder: Path, pictures: Path, identity: str) -> None:
        of = hashlib.blake2b(f"{pictures.resolve()}\n{identity}".encode(), digest_size=12)
        self.path = folder / f"features-{of.hexdigest()}.safetensors"
        self._about = {"pictures": str(pictures.resolve()), "extractor": identity}
        self._known = self._read()
        self._has_news = False

    def get(self, key: bytes) -> torch.Tensor | None:
        """Return the features of a picture, or None."""
        return self._known.get(key)

    def put(self, key: bytes, features: torch.Tensor) -> None:
        """Store features in memory; `write` writes them to the file."""
        self._known[key] = features
        self._has_news = True

    def keep_only(self, keys: Iterable[bytes]) -> None:
        """Drop the features of all pictures but those of `keys`."""
        self._known = {key: self._known[key] for key in keys if key in self._known}

    def write(self) -> None:
        """Write the file in one step where anything is new."""
        if not self._has_news:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        keys = torch.tensor([list(key) for key in self._known], dtype=torch.uint8)
        tensors = {"keys": keys, "features": torch.stack(list(self._known.values())).contiguous()}
        partial = self.path.with_suffix(f".{os.getpid()}.part")
        try:
            require("safetensors.torch").save_file(tensors, str(partial), self._about)
            os.replace(partial, self.path)
        finally:
            partial.unlink(missing_ok=True)
        self._has_news = False

    def _read(self) -> dict[bytes, torch.Tensor]:
        if not self.path.exists():
            return {}
        safetensors = require("safetensors.torch")
        try:
            tensors = safetensors.load_file(str(self.path))
            keys, features = tensors["keys"], tensors["features"]
            if keys.shape != (len(features), _KEY_BYTES) or features.dtype != torch.float32:
                raise ValueError("the shapes of its tensors do not match")
        except Exception as error:  # a damaged file can raise anything
            _log.warning(
                "%s cannot be read (%s): its features are computed again", self.path, error
            )
            return {}
        return dict(zip(map(bytes, keys.tolist()), features, strict=True))
