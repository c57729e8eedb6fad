"""Known characters: girls, boys, and figures that are no persons.

The table `assets/slots/figures.bin` has two bits for each name of the name lists, in their order;
0 stands for an unknown sex. The file: ``TIPOFIGS``, then three little-endian 32-bit numbers: the
version, the number of names, and the CRC-32 of the file `names.bin` that it belongs to; then the
bits, compressed with zlib, the first name in the lowest bits.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from enum import Enum
from functools import cache, lru_cache
from pathlib import Path
from struct import Struct
from struct import error as StructError

from ..vocabulary.names import NAMES_FILE, NameTable, shipped_names
from ..vocabulary.word_tables import FOLDER, entries, sections

FIGURES_FILE = FOLDER / "figures.bin"
_MAGIC = b"TIPOFIGS"
_VERSION = 1
_HEADER = Struct("<8s3I")


class Figure(Enum):
    """What a character is."""

    GIRL = "girl"
    BOY = "boy"
    CREATURE = "creature"


_ORDER = (None, Figure.GIRL, Figure.BOY, Figure.CREATURE)


def figure_of(name: str) -> Figure | None:
    """Return what a character is, by its canonical name; None if that is unknown.

    Raises ValueError if a file of the tables is missing or damaged.
    """
    place = shipped_names().place(name.replace("_", " "))
    if place is None:
        return None
    bits = _shipped_figures()
    return _ORDER[bits[place >> 2] >> 2 * (place & 3) & 3]


@lru_cache(4096)
def figure_in_series(name: str) -> Figure | None:
    """Return what a character of a well-known series is, by its name alone: `keqing`.

    Of characters of one name, all must be of one sex. None if the name is unknown.
    """
    found = {figure_of(f"{name} ({series})") for series in _series()}
    found.discard(None)
    return found.pop() if len(found) == 1 else None


@cache
def _series() -> tuple[str, ...]:
    return next(tuple(entries(ls)) for title, ls in sections("series.txt") if title == "series")


def pack_figures(names: NameTable, figures: Mapping[str, Figure]) -> bytes:
    """Pack the figures of names into the content of a file; unlisted names are left out."""
    bits = bytearray((len(names.rests) + 3) // 4)
    for name, figure in figures.items():
        place = names.place(name)
        if place is not None:
            bits[place >> 2] |= _ORDER.index(figure) << 2 * (place & 3)
    header = _HEADER.pack(_MAGIC, _VERSION, len(names.rests), _checksum())
    return header + zlib.compress(bytes(bits), 9)


def read_figures(path: Path, count: int) -> bytes:
    """Read the bits of a file for `count` names. Raises ValueError if it does not fit them."""
    try:
        content = path.read_bytes()
        magic, version, names, checksum = _HEADER.unpack_from(content)
        bits = zlib.decompress(content[_HEADER.size :])
    except (OSError, zlib.error, StructError) as error:
        raise _damaged(path, str(error)) from error
    if magic != _MAGIC or version != _VERSION:
        raise _damaged(path, "it is no table of this version")
    if names != count or checksum != _checksum() or len(bits) != (count + 3) // 4:
        raise _damaged(path, "it belongs to other name lists")
    return bits


def _damaged(path: Path, problem: str) -> ValueError:
    return ValueError(
        f"figures '{path}': {problem}: install the pack again, or rebuild it with lab/slots"
    )


@cache
def _checksum() -> int:
    return zlib.crc32(NAMES_FILE.read_bytes())


@cache
def _shipped_figures() -> bytes:
    return read_figures(FIGURES_FILE, len(shipped_names().rests))
