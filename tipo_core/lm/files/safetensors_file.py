"""The tensors of a safetensors file, or of the shards in an index."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ...optional_imports import require
from .file_type import MAGIC_LENGTH, SAFETENSORS, detect_file_type
from .shard_index import shard_paths
from .weights import check_finite, check_label, first_of, shortened

_DTYPES = ("F64", "F32", "F16", "BF16")
_INDEX_SUFFIX = ".index.json"


class SafetensorsWeights:
    """The tensors of `path`, a `.safetensors` file or a `.safetensors.index.json`.

    The files are memory-mapped, so a tensor's bytes are read when it is converted. Raises
    ValueError for a damaged file or another type of file, FileNotFoundError for a missing shard,
    RuntimeError for a missing package. `read` raises ValueError for values that are not finite.
    """

    def __init__(self, path: Path) -> None:
        self.source = str(path)
        if path.name.endswith(_INDEX_SUFFIX):
            self._files = _open_shards(path)
        else:
            handle = _open(path)
            self._files = dict.fromkeys(handle.keys(), handle)
        self.shapes: Mapping[str, tuple[int, ...]] = {
            name: self._shape(name, handle) for name, handle in self._files.items()
        }

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return one tensor as it is stored, a view of the file; `dtype` is ignored."""
        tensor: torch.Tensor = self._files[name].get_tensor(name)
        check_finite(tensor, name, self.source)
        check_label(tensor, name, self.source)
        return tensor

    def _shape(self, name: str, handle: Any) -> tuple[int, ...]:
        stored = handle.get_slice(name)
        if stored.get_dtype() not in _DTYPES:
            raise ValueError(
                f"{self.source} stores {shortened(name)} as {stored.get_dtype()}, which is not "
                f"supported: choose a file in {', '.join(_DTYPES)}"
            )
        return tuple(stored.get_shape())


def _open_shards(index: Path) -> dict[str, Any]:
    """Return the open file of every tensor; raise if index and shards disagree."""
    placed = shard_paths(index)
    paths = list(dict.fromkeys(placed.values()))
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(paths)} shards in {index} are missing: put "
            f"{first_of(missing, ', ')} into {index.parent}"
        )
    handles = {path: _open(path) for path in paths}
    held = {(name, path) for path, handle in handles.items() for name in tuple(handle.keys())}
    mismatched = sorted(name for name, _ in held ^ set(placed.items()))
    if mismatched:
        raise ValueError(
            f"{index} does not agree with its shards about {first_of(mismatched)}: copy all files "
            "from the same model"
        )
    return {name: handles[path] for name, path in placed.items()}


def _open(path: Path) -> Any:
    """Return the mapped file; raise ValueError that names it if it is not safetensors."""
    safetensors = require("safetensors")
    try:
        return safetensors.safe_open(str(path), framework="pt", device="cpu")
    except safetensors.SafetensorError as error:
        with path.open("rb") as stream:
            kind = detect_file_type(stream.read(MAGIC_LENGTH))
        if kind and kind != SAFETENSORS:
            raise ValueError(
                f"{path} is {kind}: put the model's own safetensors file in its place"
            ) from error
        raise ValueError(f"{path} is damaged or incomplete ({error}): download it again") from error
