"""The header of a GGUF file: its metadata, and where its tensors are.

Format: docs/gguf.md of the ggml project, versions 2 and 3. The reader is our own because that of
the package `gguf` takes seconds for a vocabulary and trusts every count of a damaged file. A file
without quantized tensors does not need the package.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .file_type import MAGIC_LENGTH, detect_file_type

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_MAX_DIMENSIONS = 4
_DEFAULT_ALIGNMENT = 32
# Limits far above every header: entries of an array, bytes of a string and of a tensor's name. A
# damaged count could otherwise make millions of Python objects from the weights.
_MAX_ENTRIES = 1 << 24
_MAX_STRING = 1 << 26
_MAX_NAME = 1 << 10
# struct letters of the numeric value types; 8 is a string and 9 an array.
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q",
            12: "d"}  # fmt: skip
_STRING, _ARRAY = 8, 9


@dataclass(frozen=True)
class TensorType:
    """A storage format: blocks of `values` numbers in `size` bytes."""

    name: str
    values: int
    size: int


# By the numbers of ggml_type. The first three are plain, the blocks of the others hold scales too.
TENSOR_TYPES = {
    0: TensorType("F32", 1, 4),
    1: TensorType("F16", 1, 2),
    30: TensorType("BF16", 1, 2),
    2: TensorType("Q4_0", 32, 18),
    3: TensorType("Q4_1", 32, 20),
    6: TensorType("Q5_0", 32, 22),
    7: TensorType("Q5_1", 32, 24),
    8: TensorType("Q8_0", 32, 34),
    10: TensorType("Q2_K", 256, 84),
    11: TensorType("Q3_K", 256, 110),
    12: TensorType("Q4_K", 256, 144),
    13: TensorType("Q5_K", 256, 176),
    14: TensorType("Q6_K", 256, 210),
}
_UNSUPPORTED_TYPES = {
    16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S",
    22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M",
    34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
}  # fmt: skip


@dataclass(frozen=True)
class StoredTensor:
    """A tensor of `shape` in `size` bytes at `offset` of the file."""

    type: TensorType
    shape: tuple[int, ...]
    offset: int
    size: int


@dataclass(frozen=True)
class GgufHeader:
    """Metadata and tensors of a GGUF file. Shapes are `R, C`, the reverse of those in the file."""

    path: Path
    metadata: Mapping[str, Any]
    tensors: Mapping[str, StoredTensor]

    def get(self, key: str, kind: type, default: Any = None) -> Any:
        """Return the value of `key`, or `default` if it is missing.

        Raises ValueError if the value is not a `kind`; an integer is accepted as a float.
        """
        value = self.metadata.get(key)
        if value is None:
            return default
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise ValueError(
                f"{self.path}: {key} is not of type {kind.__name__}: convert the model again"
            )
        return value

    def array(self, key: str, *kinds: type) -> tuple[Any, ...]:
        """Return the values of the array `key`, all of one type of `kinds`; () if it is missing.

        Raises ValueError for values of another type.
        """
        values: tuple[Any, ...] = self.get(key, tuple, ())
        # The format has one type per array, so checking the first value is enough.
        if values and type(values[0]) not in kinds:
            raise ValueError(
                f"{self.path}: {key} does not hold values of type {kinds[0].__name__}: convert the "
                "model again"
            )
        return values

    def need(self, key: str, kind: type) -> Any:
        """Return the value of `key`; raise ValueError if it is missing or not a `kind`."""
        value = self.get(key, kind)
        if value is None:
            raise ValueError(f"{self.path} lacks {key!r}: convert the model again")
        return value

    def decimal(self, key: str, default: float | None = None) -> float:
        """Return an fp32 value as the shortest decimal: 1e-5, not 9.99999974e-6."""
        import numpy as np

        value = self.need(key, float) if default is None else self.get(key, float, default)
        return float(str(np.float32(value)))


def read_header(path: Path) -> GgufHeader:
    """Return the header of the file `path`.

    Raises ValueError, naming the file, if it is another type of file, damaged or truncated, and for
    a tensor of an unsupported type. Every count is checked against the file's size, and the tensors
    must fill the rest of the file.
    """
    with path.open("rb") as stream:
        beginning = stream.read(max(MAGIC_LENGTH, 8))
        if beginning[:4] != _MAGIC:
            kind = detect_file_type(beginning) or "not a GGUF file"
            raise ValueError(f"{path} is {kind}: put the model's own GGUF file in its place")
        _check_version(path, beginning[4:8])
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            try:
                return _read(path, content)
            except _Damaged as error:
                raise ValueError(
                    f"{path} is damaged or incomplete ({error}): download it again"
                ) from error


class _Damaged(Exception):
    """The content contradicts itself; the message says how."""


def _check_version(path: Path, stored: bytes) -> None:
    if len(stored) < 4:
        raise ValueError(f"{path} is damaged or incomplete (no version): download it again")
    (version,) = struct.unpack("<I", stored)
    if version and version & 0xFFFF == 0:
        raise ValueError(f"{path} is a big-endian GGUF file: choose the little-endian one")
    if version not in _VERSIONS:
        raise ValueError(
            f"{path} is GGUF version {version}; versions 2 and 3 are supported: convert the model "
            "again with a current llama.cpp"
        )


class _Cursor:
    """Reads consecutive little-endian values, never past the end of the file."""

    def __init__(self, content: mmap.mmap, at: int) -> None:
        self._content = content
        self.at = at
        self.end = len(content)

    def numbers(self, letter: str, count: int) -> tuple[Any, ...]:
        """Return `count` numbers of the type of a `struct` letter."""
        size = count * struct.calcsize(f"<{letter}")
        self.check(size)
        values = struct.unpack_from(f"<{count}{letter}", self._content, self.at)
        self.at += size
        return values

    def number(self, letter: str) -> Any:
        """Return one number of the type of a `struct` letter."""
        return self.numbers(letter, 1)[0]

    def string(self, most: int = _MAX_STRING) -> str:
        """Return a string of at most `most` bytes: its length in 8 bytes, then UTF-8."""
        size = self.number("Q")
        self.check(size)
        _check_count(size, most, "a string")
        value = self._content[self.at : self.at + size]
        self.at += size
        return value.decode("utf-8", "replace")

    def check(self, size: int) -> None:
        """Raise `_Damaged` if the file has fewer than `size` more bytes."""
        if size > self.end - self.at:
            raise _Damaged(f"it ends at byte {self.end}, inside its header")


def _check_count(count: int, most: int, holder: str) -> None:
    if count > most:
        raise _Damaged(f"{holder} of {count}, more than any header has")


def _read(path: Path, content: mmap.mmap) -> GgufHeader:
    cursor = _Cursor(content, at=8)
    tensor_count, value_count = cursor.numbers("Q", 2)
    metadata: dict[str, Any] = {}
    # A wrong count cannot loop for long: each pass reads bytes, and the file ends.
    for _ in range(value_count):
        key = cursor.string()
        if key in metadata:
            raise _Damaged(f"it has {key!r} twice")
        metadata[key] = _value(cursor, cursor.number("I"))
    tensors: dict[str, StoredTensor] = {}
    for _ in range(tensor_count):
        name = cursor.string(_MAX_NAME)
        if name in tensors:
            raise _Damaged(f"it has the tensor {name!r} twice")
        tensors[name] = _tensor(cursor, path, name)
    alignment = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 8 or alignment & (alignment - 1):
        raise _Damaged(f"its alignment is {alignment}")
    start = _aligned(cursor.at, alignment)
    placed = {
        name: replace(tensor, offset=start + tensor.offset) for name, tensor in tensors.items()
    }
    _check_layout(placed, start, alignment, cursor.end)
    return GgufHeader(path, metadata, placed)


def _aligned(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment


def _check_layout(
    tensors: Mapping[str, StoredTensor], start: int, alignment: int, end: int
) -> None:
    """Raise `_Damaged` unless the tensors fill bytes `start` to `end`, each padded to `alignment`.

    So a tensor with a wrong offset, shape or type is found. The padding after the last one may be
    missing. llama.cpp requires the same and the order of the header as well (`gguf_init` in
    ggml/src/gguf.cpp).
    """
    position, last = start, start
    for name, tensor in sorted(tensors.items(), key=lambda named: named[1].offset):
        stop = tensor.offset + tensor.size
        if stop > end:
            raise _Damaged(f"the tensor {name!r} is at bytes {tensor.offset} to {stop} of {end}")
        if tensor.offset != position:
            problem = "overlaps another one" if tensor.offset < last else "has a gap before it"
            raise _Damaged(f"the tensor {name!r} at byte {tensor.offset} {problem}")
        position, last = _aligned(stop, alignment), stop
    if end > max(position, start):
        raise _Damaged(f"it has {end - position} bytes after its last tensor")


def _value(cursor: _Cursor, kind: int) -> Any:
    if kind in _NUMBERS:
        return cursor.number(_NUMBERS[kind])
    if kind == _STRING:
        return cursor.string()
    if kind != _ARRAY:
        raise _Damaged(f"a value of kind {kind} at byte {cursor.at}")
    kind, count = cursor.number("I"), cursor.number("Q")
    _check_count(count, _MAX_ENTRIES, "an array")
    if kind in _NUMBERS:
        return cursor.numbers(_NUMBERS[kind], count)
    if kind != _STRING:
        raise _Damaged(f"an array of kind {kind} at byte {cursor.at}")
    cursor.check(8 * count)
    read: Callable[[], str] = cursor.string
    return tuple(read() for _ in range(count))


def _tensor(cursor: _Cursor, path: Path, name: str) -> StoredTensor:
    """Return the tensor at the cursor; its offset is relative to the first tensor's."""
    dimensions = cursor.number("I")
    if not 1 <= dimensions <= _MAX_DIMENSIONS:
        raise _Damaged(f"the tensor {name!r} has {dimensions} dimensions")
    shape = tuple(reversed(cursor.numbers("Q", dimensions)))
    number, offset = cursor.number("I"), cursor.number("Q")
    stored = TENSOR_TYPES.get(number)
    if stored is None:
        supported = ", ".join(one.name for one in TENSOR_TYPES.values())
        raise ValueError(
            f"{path} stores {name} as {_UNSUPPORTED_TYPES.get(number, f'type {number}')}, which is "
            f"not supported: choose a file in {supported}"
        )
    values = math.prod(shape)
    if not values or shape[-1] % stored.values:
        raise _Damaged(f"the tensor {name!r} is {shape}, in {stored.name}")
    return StoredTensor(stored, shape, offset, values // stored.values * stored.size)
