from __future__ import annotations

import pytest

from tipo_core.pictures.vae.tiling import (
    RowStrips,
    Tiles,
    Tiling,
    fitted_tiles,
    no_memory_advice,
    tile_note,
    way_text,
    ways_to_run,
)


def test_auto_is_whole_then_room_then_tiles_halved_to_the_floor() -> None:
    expected = [None, None, Tiles(512, 64), Tiles(256, 64), Tiles(128, 32)]
    assert ways_to_run(Tiling(), 8, 2048) == expected


def test_always_begins_with_tiles_and_never_has_none() -> None:
    tiles = [Tiles(256, 32), Tiles(256, 32), Tiles(128, 32)]
    assert ways_to_run(Tiling("always", 256, 32), 8, 2048) == tiles
    assert ways_to_run(Tiling("never", 256, 32), 8, 2048) == [None, None]


@pytest.mark.parametrize(("side", "largest"), [(513, 512), (512, 256), (256, 128), (64, 128)])
def test_tiles_as_large_as_the_picture_are_left_out(side: int, largest: int) -> None:
    tiles = ways_to_run(Tiling(), 8, side)[2]
    assert isinstance(tiles, Tiles)
    assert tiles.size == largest


def test_strips_come_before_tiles_where_the_vae_has_them() -> None:
    strips = [RowStrips(512), RowStrips(256), RowStrips(128)]
    tiles = [Tiles(512, 64), Tiles(256, 64), Tiles(128, 32)]
    assert ways_to_run(Tiling(), 8, 2048, has_strips=True) == [None, None, *strips, *tiles]
    assert ways_to_run(Tiling(), 8, 512, has_strips=True)[2:4] == strips[1:]
    assert ways_to_run(Tiling("strips"), 8, 512, has_strips=True) == [strips[0], *strips]
    assert ways_to_run(Tiling("always"), 8, 512, has_strips=True) == [tiles[0], *tiles]
    with pytest.raises(ValueError, match="set tiling to auto or always"):
        ways_to_run(Tiling("strips"), 8, 512)


def test_strips_have_a_tiles_pixels_and_rows_enough() -> None:
    assert RowStrips(512).rows(1024) == 256
    assert RowStrips(128).rows(8192) == 8


def test_a_size_below_the_floor_is_the_users() -> None:
    assert ways_to_run(Tiling("auto", 64, 16), 8, 2048)[2:] == [Tiles(64, 16)]


def test_unknown_tiling_is_named_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"'maybe' is not known: choose auto, always, never"):
        ways_to_run(Tiling("maybe"), 8, 512)


@pytest.mark.parametrize("factor", [1, 4, 8, 16, 32])
@pytest.mark.parametrize("overlap", [0, 32, 64, 4096])
@pytest.mark.parametrize("size", [64, 192, 512, 4096])
def test_tiles_fit_the_vaes_factor(size: int, overlap: int, factor: int) -> None:
    tiles = fitted_tiles(size, overlap, factor)
    assert tiles.size == size
    assert tiles.size % (2 * factor) == 0
    assert tiles.overlap % factor == 0
    assert tiles.overlap <= min(overlap, tiles.size // 4)
    # The half-wide tiles that ComfyUI cuts too must go forward.
    assert tiles.overlap < tiles.size // 2


def test_note_says_what_was_limited() -> None:
    assert tile_note(Tiling("auto", 512, 64), 8) is None
    assert tile_note(Tiling("auto", 256, 128), 8) == (
        "overlap 128 was limited to 64 (a quarter of the tile)"
    )
    assert tile_note(Tiling("auto", 512, 36), 8) == (
        "overlap 36 was limited to 32 (whole latent pixels)"
    )
    assert tile_note(Tiling("auto", 72, 8), 8) == "tile_size 72 became 64"


def test_the_attempt_that_was_taken_is_named_with_the_reason() -> None:
    ways = ways_to_run(Tiling(), 8, 2048)
    assert way_text(ways, 0) == "in one piece"
    once, thrice = way_text(ways, 1), way_text(ways, 3)
    assert "memory ran out once" in once and once.endswith("in one piece")
    assert "3 times" in thrice and thrice.endswith("tiles of 256 with overlap 64")


def test_advice_says_what_was_tried_and_what_to_do() -> None:
    shape = (1, 4, 512, 512)
    asked = Tiling()
    text = no_memory_advice("decode", shape, "cuda:0", asked, ways_to_run(asked, 8, 4096))
    assert text.startswith("cuda:0 has too little memory to decode 1 x 4 x 512 x 512 in tiles of")
    assert "--cpu-vae" in text
    asked = Tiling("never")
    text = no_memory_advice("encode", shape, "cpu", asked, ways_to_run(asked, 8, 4096))
    assert "in one piece" in text
    assert "set tiling to auto" in text
    assert "--cpu-vae" not in text
