"""The pair table: which words of pictures go together, and how strongly.

An entry is a tag or a noun in the singular. Each has a kind and its share of the pictures; two
entries have a log lift, ``log P(both) - log P(one) - log P(other)`` in nats, shrunk towards 0 where
the counts are small. A pair that the table lacks is unknown, not rare.

The file format, little-endian:

- the header: ``TIPOPAIR``, then seven 32-bit numbers: the version of the format, the CRC-32 of
  all that follows, the numbers of entries, of aliases and of pairs, and the lengths in bytes
  of the entries' and of the aliases' text;
- the names of the entries in UTF-8, separated by line breaks; then the aliases in the same form;
- for each entry one byte: its kind, an index into KINDS;
- for each entry two bytes, its shares in tag lists and in texts: -16 log(share), 255 for none;
- for each alias a 16-bit number: its entry;
- for each entry and one more a 32-bit number: where its pairs begin;
- for each pair, grouped by its first entry, the second one as a 16-bit number; then for each pair
  one signed byte, 20 times the log lift; then for each pair one byte, the sources behind it.
"""

from __future__ import annotations

import math
import sys
import threading
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from struct import Struct
from typing import NamedTuple

# `count` has numbers of persons and `no humans`; `world` has genres such as fantasy; `creature` has
# parts of animals and `creature pose` what animals do.
KINDS = (
    *("other", "count", "person", "wear", "body", "hair", "face", "pose", "action", "held"),
    *("thing", "animal", "plant", "food", "creature", "creature pose"),
    *("place", "nature", "weather", "time", "season", "light", "material", "world"),
    *("framing", "medium", "background", "quality"),
)
PAIRS_FILE = Path(__file__).resolve().parents[2] / "assets" / "pairs" / "pairs.bin"
# Bits of a pair's sources.
# WRITTEN pairs are the lists by hand, PERSONS those of them for pictures with persons alone.
TAG_LISTS, TEXTS, ARTWORKS, WRITTEN, PERSONS = 1, 2, 4, 8, 16
LIFT_UNITS = 20  # units of a stored log lift in one nat
SHARE_UNITS = 16  # units of a stored log share in one nat
NO_SHARE = 255
_MANY_WRITTEN = 8
_LEAST_LOG_SHARE = -NO_SHARE / SHARE_UNITS

_MAGIC = b"TIPOPAIR"
_VERSION = 1
_HEADER = Struct("<8s7I")
_REMEDY = "install the pack again, or rebuild the file with python -m lab.pairs"


class Pair(NamedTuple):
    """The second entry of a pair, the log lift in nats, and the bits of the sources."""

    entry: int
    lift: float
    sources: int


@dataclass(frozen=True)
class PairTable:
    """The vocabulary and its pairs. Entries are numbers from 0."""

    names: Sequence[str]
    spellings: Mapping[str, int]  # names and aliases
    kinds: bytes
    tag_shares: bytes
    text_shares: bytes
    starts: Sequence[int]
    seconds: Sequence[int]
    lifts: Sequence[int]
    sources: bytes
    longest: int  # largest number of words in a spelling

    def entry(self, spelling: str) -> int | None:
        """The entry with a name or alias, in lower case and single spaces; None if unknown."""
        return self.spellings.get(spelling)

    def kind(self, entry: int) -> str:
        """The kind of an entry, one of KINDS."""
        return KINDS[self.kinds[entry]]

    def is_tag(self, entry: int) -> bool:
        """Whether the entry is a tag of image boards; other entries are nouns of captions."""
        return self.tag_shares[entry] != NO_SHARE

    def log_share(self, entry: int) -> float:
        """The log of the entry's share of the pictures, the mean of tag lists and texts."""
        tags, texts = self.tag_shares[entry], self.text_shares[entry]
        known = (tags != NO_SHARE) + (texts != NO_SHARE)
        return math.log((_SHARES[tags] + _SHARES[texts]) / known) if known else _LEAST_LOG_SHARE

    def has_list(self, entry: int) -> bool:
        """Whether the written lists say much of an entry, so that counts need not help."""
        places = range(self.starts[entry], self.starts[entry + 1])
        written = sum(self.sources[n] & WRITTEN and self.lifts[n] > 0 for n in places)
        return written >= _MANY_WRITTEN

    def pairs(self, entry: int) -> Iterator[Pair]:
        """The pairs of an entry."""
        for place in range(self.starts[entry], self.starts[entry + 1]):
            yield Pair(self.seconds[place], self.lifts[place] / LIFT_UNITS, self.sources[place])


_SHARES = (*(math.exp(-units / SHARE_UNITS) for units in range(NO_SHARE)), 0.0)


def read_pairs(path: Path) -> PairTable:
    """Read a pair table. Raises ValueError if it is missing, damaged or of another format."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"pair table '{path}' cannot be read ({error}): {_REMEDY}") from error
    problem = "the file is cut short"
    if len(content) >= _HEADER.size:
        magic, version, checksum, *numbers = _HEADER.unpack_from(content)
        entries, aliases, pairs, name_bytes, alias_bytes = numbers
        length = name_bytes + alias_bytes + 3 * entries + 2 * aliases + 4 * (entries + 1)
        if magic != _MAGIC or version != _VERSION:
            problem = "it is not a pair table of this version"
        elif len(content) != _HEADER.size + length + 4 * pairs:
            problem = "its length is wrong"
        elif zlib.crc32(memoryview(content)[_HEADER.size :]) != checksum:
            problem = "its checksum is wrong"
        else:
            table = _table(memoryview(content)[_HEADER.size :], numbers)
            if table is not None:
                return table
            problem = "its parts do not fit together"
    raise ValueError(f"pair table '{path}': {problem}: {_REMEDY}")


def write_pairs(table: PairTable) -> bytes:
    """Return the content of a file with the table."""
    known = set(table.names)
    aliases = sorted(spelling for spelling in table.spellings if spelling not in known)
    names_text, aliases_text = "\n".join(table.names).encode(), "\n".join(aliases).encode()
    shares = bytes(
        value for both in zip(table.tag_shares, table.text_shares, strict=True) for value in both
    )
    body = b"".join(
        (
            names_text,
            aliases_text,
            table.kinds,
            shares,
            _little_endian(array("H", [table.spellings[alias] for alias in aliases])),
            _little_endian(array("I", table.starts)),
            _little_endian(array("H", table.seconds)),
            array("b", table.lifts).tobytes(),
            table.sources,
        )
    )
    counts = (len(table.names), len(aliases), len(table.seconds))
    texts = (len(names_text), len(aliases_text))
    return _HEADER.pack(_MAGIC, _VERSION, zlib.crc32(body), *counts, *texts) + body


def _table(body: memoryview, numbers: Sequence[int]) -> PairTable | None:
    """Return the table; None if its numbers contradict each other."""
    entries, aliases, pairs, name_bytes, alias_bytes = numbers
    place = 0

    def take(length: int) -> memoryview:
        nonlocal place
        place += length
        return body[place - length : place]

    try:
        names = str(take(name_bytes), "utf-8").split("\n") if entries else []
        alias_names = str(take(alias_bytes), "utf-8").split("\n") if aliases else []
    except UnicodeDecodeError:
        return None
    kinds, shares = bytes(take(entries)), bytes(take(2 * entries))
    targets = _numbers("H", take(2 * aliases))
    starts = _numbers("I", take(4 * (entries + 1)))
    seconds = _numbers("H", take(2 * pairs))
    is_consistent = (
        (len(names), len(alias_names)) == (entries, aliases)
        and max(kinds, default=0) < len(KINDS)
        and max(targets, default=-1) < entries
        and max(seconds, default=-1) < entries
        and (starts[0], starts[-1]) == (0, pairs)
        and all(one <= other for one, other in pairwise(starts))
    )
    if not is_consistent:
        return None
    spellings = dict(zip(alias_names, targets, strict=True))
    spellings.update(zip(names, range(entries), strict=True))
    return PairTable(
        names=names,
        spellings=spellings,
        kinds=kinds,
        tag_shares=shares[::2],
        text_shares=shares[1::2],
        starts=starts,
        seconds=seconds,
        lifts=_numbers("b", take(pairs)),
        sources=bytes(take(pairs)),
        longest=max((spelling.count(" ") + 1 for spelling in spellings), default=0),
    )


def _numbers(code: str, content: memoryview) -> array[int]:
    numbers: array[int] = array(code)
    numbers.frombytes(content)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _little_endian(numbers: array[int]) -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


_lock = threading.Lock()
_loaded: list[PairTable] = []  # the shipped table, after the first look-up


def shipped_pairs() -> PairTable:
    """The table of the pack, read on first use. Raises ValueError if its file is damaged."""
    if not _loaded:
        with _lock:
            if not _loaded:
                _loaded.append(read_pairs(PAIRS_FILE))
    return _loaded[0]
