"""The pair table: its file, its errors, and what the shipped one holds."""

from __future__ import annotations

import math
import struct
import zlib
from array import array
from pathlib import Path

import pytest

from tipo_core.prompt.vocabulary.blocklist import blocklist_matches
from tipo_core.prompt.vocabulary.pairs import (
    KINDS,
    NO_SHARE,
    PAIRS_FILE,
    PERSONS,
    WRITTEN,
    Pair,
    PairTable,
    read_pairs,
    shipped_pairs,
    write_pairs,
)

HEADER = 36


def small_table() -> PairTable:
    """Three entries; cat and sofa go together, cat and ocean do not."""
    names = ["cat", "ocean", "sofa"]
    return PairTable(
        names=names,
        spellings={"couch": 2, "kitty": 0, "cat": 0, "ocean": 1, "sofa": 2},
        kinds=bytes(KINDS.index(kind) for kind in ("animal", "nature", "thing")),
        tag_shares=bytes((32, 48, NO_SHARE)),
        text_shares=bytes((64, NO_SHARE, 80)),
        starts=array("I", [0, 2, 3, 4]),
        seconds=array("H", [1, 2, 0, 0]),
        lifts=array("b", [-30, 41, -30, 41]),
        sources=bytes((2, 3, 2, 3)),
        longest=1,
    )


def write(folder: Path, content: bytes) -> Path:
    path = folder / "pairs.bin"
    path.write_bytes(content)
    return path


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    table = read_pairs(write(tmp_path, write_pairs(small_table())))
    assert table == small_table()
    assert table.entry("kitty") == 0
    assert table.entry("dog") is None
    assert table.kind(2) == "thing"
    assert [table.is_tag(entry) for entry in range(3)] == [True, True, False]
    assert list(table.pairs(0)) == [Pair(1, -1.5, 2), Pair(2, 2.05, 3)]
    assert table.log_share(0) == pytest.approx(math.log((math.exp(-2) + math.exp(-4)) / 2))
    assert table.log_share(1) == pytest.approx(-3)


def test_an_independent_reader_finds_the_same_bytes() -> None:
    """The documented layout, read with struct alone."""
    content = write_pairs(small_table())
    magic, version, checksum, entries, aliases, pairs, names, others = struct.unpack_from(
        "<8s7I", content
    )
    assert (magic, version, entries, aliases, pairs) == (b"TIPOPAIR", 1, 3, 2, 4)
    body = content[HEADER:]
    assert checksum == zlib.crc32(body)
    assert body[:names] == b"cat\nocean\nsofa"
    assert body[names : names + others] == b"couch\nkitty"
    rest = body[names + others :]
    assert rest[3:9] == bytes((32, 64, 48, NO_SHARE, NO_SHARE, 80))
    assert struct.unpack_from("<2H4I4H4b4B", rest, 9) == (
        *(2, 0),
        *(0, 2, 3, 4),
        *(1, 2, 0, 0),
        *(-30, 41, -30, 41),
        *(2, 3, 2, 3),
    )
    assert len(rest) == 9 + struct.calcsize("<2H4I4H4b4B")


@pytest.mark.parametrize("length", [0, 7, HEADER - 1, HEADER, HEADER + 5, -1])
def test_a_file_cut_short_is_one_clear_error(tmp_path: Path, length: int) -> None:
    path = write(tmp_path, write_pairs(small_table())[:length])
    with pytest.raises(ValueError, match=r"pair table '.*': .*: install the pack again"):
        read_pairs(path)


@pytest.mark.parametrize("place", range(0, len(write_pairs(small_table())), 3))
def test_a_flipped_bit_is_found(tmp_path: Path, place: int) -> None:
    content = bytearray(write_pairs(small_table()))
    content[place] ^= 4
    with pytest.raises(ValueError, match="pair table"):
        read_pairs(write(tmp_path, bytes(content)))


def test_a_longer_or_foreign_or_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="its length is wrong"):
        read_pairs(write(tmp_path, write_pairs(small_table()) + b"\0"))
    with pytest.raises(ValueError, match="not a pair table of this version"):
        read_pairs(write(tmp_path, b"TIPONAME" + write_pairs(small_table())[8:]))
    with pytest.raises(ValueError, match="cannot be read"):
        read_pairs(tmp_path / "none.bin")


def test_a_body_with_impossible_numbers_is_an_error(tmp_path: Path) -> None:
    """A right checksum over wrong numbers: an entry, a kind, or an order that does not exist."""
    good = write_pairs(small_table())
    body = good[HEADER:]
    numbers = len(b"cat\nocean\nsofacouch\nkitty")
    for place, value in (
        *((0, 255), (numbers, 200), (numbers + 9, 9), (numbers + 17, 90), (numbers + 29, 77)),
    ):
        damaged = bytearray(body)
        damaged[place] = value
        header = bytearray(good[:HEADER])
        struct.pack_into("<I", header, 12, zlib.crc32(damaged))
        with pytest.raises(ValueError, match="do not fit together"):
            read_pairs(write(tmp_path, bytes(header) + bytes(damaged)))


def test_the_shipped_table_is_well_formed() -> None:
    table = shipped_pairs()
    assert 5_000 < len(table.names) < 65_536
    assert PAIRS_FILE.stat().st_size < 2_000_000
    assert list(table.names) == sorted(set(table.names))
    assert all(name == " ".join(name.lower().split()) for name in table.spellings)
    assert max(table.seconds) < len(table.names)
    for entry in range(len(table.names)):
        seconds = [pair.entry for pair in table.pairs(entry)]
        assert seconds == sorted(set(seconds)) and entry not in seconds


def test_the_readme_has_the_figures_of_the_shipped_table() -> None:
    table = shipped_pairs()
    written = sum(bool(bits & (WRITTEN | PERSONS)) for bits in table.sources)
    text = PAIRS_FILE.with_name("README.md").read_text("utf-8")
    for figure in (
        f"{len(table.names):,} tags and nouns, {len(table.spellings):,} spellings",
        f"{len(table.seconds):,}, each direction counted",
        f"{len(table.seconds) - written:,} counted in corpora, {written:,} from written lists",
        f"| {PAIRS_FILE.stat().st_size / 1e6:.2f} MB |",
    ):
        assert figure in text


def test_the_shipped_table_holds_no_blocked_word() -> None:
    table = shipped_pairs()
    assert not [name for name in table.spellings if blocklist_matches(name)]


def test_counted_pairs_of_the_shipped_table_are_symmetric() -> None:
    """Each entry keeps its own best pairs, so that one direction may be missing, never another."""
    table = shipped_pairs()
    lifts = {
        (entry, pair.entry): pair.lift
        for entry in range(len(table.names))
        for pair in table.pairs(entry)
        if not pair.sources & (WRITTEN | PERSONS)
    }
    assert len(lifts) > 50_000
    assert not [key for key, lift in lifts.items() if lifts.get(key[::-1], lift) != lift]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("forest", "moss"),
        ("witch", "witch hat"),
        ("beach", "sand"),
        ("ramen", "chopsticks"),
        ("castle", "tower"),
        ("cat", "whiskers"),
        ("night", "moon"),
        ("knight", "armor"),
    ],
)
def test_words_that_go_together(one: str, other: str) -> None:
    assert _lift(one, other) > 0.5


@pytest.mark.parametrize(
    ("one", "other"),
    [("night", "day"), ("indoors", "horizon"), ("snow", "summer"), ("goldfish", "kimono")],
)
def test_words_that_do_not_go_together(one: str, other: str) -> None:
    assert _lift(one, other) <= 0


def _lift(one: str, other: str) -> float:
    table = shipped_pairs()
    first, second = table.entry(one), table.entry(other)
    assert first is not None and second is not None
    return next((pair.lift for pair in table.pairs(first) if pair.entry == second), 0.0)
