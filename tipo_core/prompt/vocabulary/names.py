"""The name lists: names of artists, characters, series and meta tags.

The 957 thousand names of the ``tipo-kgen`` package are kept as fingerprints, not as text: a hash
of 48 bits for each name. A text that is not a name is taken for one about three times in 10^9
look-ups.

The file format, little-endian:

- the header: ``TIPONAME``, then four 32-bit numbers: the version of the format, the number of
  names, the CRC-32 of all that follows, and the length of the longest name in characters;
- 65,536 16-bit numbers: how many fingerprints begin with each of the possible first 16 bits;
- the other 32 bits of each fingerprint, in ascending order of the whole fingerprint;
- the category of each name, two bits, the first name in the lowest bits.
"""

from __future__ import annotations

import sys
import threading
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path
from struct import Struct

CATEGORIES = ("artist", "characters", "copyrights", "meta")
NAMES_FILE = Path(__file__).resolve().parents[2] / "assets" / "names" / "names.bin"

_MAGIC = b"TIPONAME"
_VERSION = 1
_HEADER = Struct("<8s4I")
_BUCKETS = 1 << 16
_REMEDY = "install the pack again, or rebuild the file with lab/name_lists.py"


@dataclass(frozen=True)
class NameTable:
    """The fingerprints of all names, by their first 16 bits, and the category of each."""

    starts: array[int]  # 65,537 offsets into `rests`
    rests: array[int]  # the last 32 bits, ascending between two starts
    kinds: bytes  # two bits for each name: an index into CATEGORIES
    longest: int  # length of the longest name in characters

    def category(self, name: str) -> str | None:
        """The category of a canonical name; None for a name that is not in the lists."""
        place = self.place(name)
        return None if place is None else CATEGORIES[self.kinds[place >> 2] >> 2 * (place & 3) & 3]

    def place(self, name: str) -> int | None:
        """The place of a canonical name in the order of fingerprints; None if it is not listed."""
        if not name or len(name) > self.longest:
            return None
        bucket, rest = _fingerprint(name)
        end = self.starts[bucket + 1]
        place = bisect_left(self.rests, rest, self.starts[bucket], end)
        return None if place == end or self.rests[place] != rest else place


def name_category(canonical_name: str) -> str | None:
    """The category of a name in the shipped lists: one of CATEGORIES, or None.

    The name must be canonical (`tags.canonical`). The lists are read on first use.
    Raises ValueError if their file is missing or damaged.
    """
    return shipped_names().category(canonical_name)


def pack(categories: Mapping[str, str]) -> bytes:
    """Pack names, each canonical, and their categories into the content of a file.

    Raises ValueError if names of different categories have the same fingerprint.
    """
    kinds = {name: number for number, name in enumerate(CATEGORIES)}
    found: dict[tuple[int, int], int] = {}
    for name, category in categories.items():
        if found.setdefault(_fingerprint(name), kinds[category]) != kinds[category]:
            raise ValueError(
                f"name '{name}' has the fingerprint of a name of another category: "
                "use a longer hash"
            )
    order = sorted(found)
    counts = array("H", bytes(2 * _BUCKETS))
    packed = bytearray((len(order) + 3) // 4)
    for place, key in enumerate(order):
        counts[key[0]] += 1
        packed[place >> 2] |= found[key] << 2 * (place & 3)
    rests = array("I", [rest for _, rest in order])
    body = _little_endian(counts) + _little_endian(rests) + bytes(packed)
    longest = max(map(len, categories), default=0)
    return _HEADER.pack(_MAGIC, _VERSION, len(order), zlib.crc32(body), longest) + body


def read(path: Path) -> NameTable:
    """Read a file of names. Raises ValueError if it is missing, damaged or of another format."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"name lists '{path}' cannot be read ({error}): {_REMEDY}") from error
    problem = "the file is cut short"
    if len(content) >= _HEADER.size:
        magic, version, count, checksum, longest = _HEADER.unpack_from(content)
        if magic != _MAGIC or version != _VERSION:
            problem = "it is not a name list of this version"
        elif len(content) != _HEADER.size + 2 * _BUCKETS + 4 * count + (count + 3) // 4:
            problem = "its length is wrong"
        elif zlib.crc32(memoryview(content)[_HEADER.size :]) != checksum:
            problem = "its checksum is wrong"
        else:
            return _table(memoryview(content)[_HEADER.size :], count, longest)
    raise ValueError(f"name lists '{path}': {problem}: {_REMEDY}")


def _table(body: memoryview, count: int, longest: int) -> NameTable:
    rests_at = 2 * _BUCKETS
    kinds_at = rests_at + 4 * count
    counts, rests = array("H"), array("I")
    counts.frombytes(body[:rests_at])
    rests.frombytes(body[rests_at:kinds_at])
    if sys.byteorder == "big":
        counts.byteswap()
        rests.byteswap()
    starts = array("I", accumulate(counts, initial=0))
    return NameTable(starts, rests, bytes(body[kinds_at:]), longest)


def _little_endian(numbers: array[int]) -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def _fingerprint(name: str) -> tuple[int, int]:
    """The first 16 and the last 32 bits of the name's hash."""
    number = int.from_bytes(
        blake2b(name.encode("utf-8", "surrogatepass"), digest_size=6).digest(), "big"
    )
    return number >> 32, number & 0xFFFFFFFF


_lock = threading.Lock()
_loaded: list[NameTable] = []  # the shipped table, after the first look-up


def shipped_names() -> NameTable:
    """The shipped lists, read on first use. Raises ValueError if their file is damaged."""
    if not _loaded:
        with _lock:
            if not _loaded:
                _loaded.append(read(NAMES_FILE))
    return _loaded[0]
