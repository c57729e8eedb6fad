"""Features that were computed before, in a safetensors file for each folder and extractor."""

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
    """Name the state of a picture: its path, size and time of change."""
    state = path.stat()
    text = f"{path.resolve()}\n{state.st_size}\n{state.st_mtime_ns}"
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=_KEY_BYTES).digest()


class FeatureCache:
    """The features (D,), float32, of the pictures in `pictures`, by `picture_key`.

    They are kept in one file in `folder`: `keys` (N, 16) uint8 and `features` (N, D). A file that
    cannot be read is computed anew, with a warning.
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
        """Remember features until `write`."""
        self._known[key] = features
        self._has_news = True

    def keep_only(self, keys: Iterable[bytes]) -> None:
        """Forget pictures that are gone or have changed."""
        self._known = {key: self._known[key] for key in keys if key in self._known}

    def write(self) -> None:
        """Write the file, whole or not at all, if there is anything new."""
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
                raise ValueError("its tensors do not fit each other")
        except Exception as error:  # whatever a damaged file leads to: it can be computed anew
            _log.warning("%s cannot be read (%s) and is computed anew", self.path, error)
            return {}
        return dict(zip(map(bytes, keys.tolist()), features, strict=True))
