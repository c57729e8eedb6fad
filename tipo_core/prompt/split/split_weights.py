"""The weights of the split: one signed byte for each feature.

The file format, little-endian:

- the header: ``TIPOSPLT``, then two 32-bit numbers: the version of the format, and the CRC-32 of
  all that follows;
- two 32-bit floats: the value of one step of the units' and of the joints' weights;
- the weights of the units' features, `UNIT_ROWS` bytes: positive for a caption;
- the weights of the joints' features, three times `JOINT_ROWS` bytes: for tags before a caption,
  for a caption before tags, for a caption that goes on.
"""

from __future__ import annotations

import threading
import zlib
from array import array
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

from .unit_features import JOINT_ROWS, UNIT_ROWS

WEIGHTS_FILE = Path(__file__).resolve().parents[2] / "assets" / "split" / "weights.bin"

_MAGIC = b"TIPOSPLT"
_VERSION = 1
_HEADER = Struct("<8s2I")
_STEPS = Struct("<2f")
_REMEDY = "install the pack again, or rebuild the file with python -m lab.split train"


@dataclass(frozen=True)
class SplitWeights:
    """The weights in steps, and the value of a step: log odds of a caption against tags."""

    unit_step: float
    joint_step: float
    unit: array[int]
    enter: array[int]  # tags, then a caption
    leave: array[int]  # a caption, then tags
    stay: array[int]  # a caption, then a caption


def pack(weights: SplitWeights) -> bytes:
    """Return the content of a file with these weights."""
    tables = (weights.unit, weights.enter, weights.leave, weights.stay)
    body = _STEPS.pack(weights.unit_step, weights.joint_step)
    body += b"".join(table.tobytes() for table in tables)
    return _HEADER.pack(_MAGIC, _VERSION, zlib.crc32(body)) + body


def read(path: Path) -> SplitWeights:
    """Read a file of weights. Raises ValueError if it is missing, damaged or of another format."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"weights '{path}' cannot be read ({error}): {_REMEDY}") from error
    body = content[_HEADER.size :]
    if len(body) != _STEPS.size + UNIT_ROWS + 3 * JOINT_ROWS:
        raise ValueError(f"weights '{path}': the length is wrong: {_REMEDY}")
    magic, version, checksum = _HEADER.unpack_from(content)
    if magic != _MAGIC or version != _VERSION:
        raise ValueError(f"weights '{path}': the format is not of this version: {_REMEDY}")
    if zlib.crc32(body) != checksum:
        raise ValueError(f"weights '{path}': the checksum is wrong: {_REMEDY}")
    unit_step, joint_step = _STEPS.unpack_from(body)
    tables, start = [], _STEPS.size
    for rows in (UNIT_ROWS, JOINT_ROWS, JOINT_ROWS, JOINT_ROWS):
        tables.append(array("b", body[start : start + rows]))
        start += rows
    return SplitWeights(unit_step, joint_step, *tables)


_lock = threading.Lock()
_loaded: list[SplitWeights] = []  # the shipped weights, after the first use


def shipped_weights() -> SplitWeights:
    """The weights of the pack, read on first use. Raises ValueError as `read` does."""
    if not _loaded:
        with _lock:
            if not _loaded:
                _loaded.append(read(WEIGHTS_FILE))
    return _loaded[0]
