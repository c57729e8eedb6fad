from __future__ import annotations

import pytest

from tipo_core.pictures.vae.tiling import (
    RowStrips,
    Tiles,
    Tiling,
    first_that_fits,
    fitted_tiles,
    no_memory_advice,
    tile_note,
    way_text,
    ways_to_run,
)


class NoMemory(Exception):
    pass


class Scripted:
    """A VAE with room for some ways; the log holds what was done, in order."""

    def __init__(self, fits: list[Tiles | None], after_room: bool = False) -> None:
        self.fits = fits
        self.after_room = after_room
        self.log: list[str] = []

    def run(self, way: Tiles | None) -> str:
        self.log.append(str(way or "whole"))
        has_room = not self.after_room or "room" in self.log
        if way in self.fits and has_room:
            return f"result of {way or 'whole'}"
        raise NoMemory

    def make_room(self) -> None:
        self.log.append("room")

    def take(self, ways: list[Tiles | None]) -> tuple[str, int]:
        return first_that_fits(
            ways, self.run, self.make_room, lambda e: isinstance(e, NoMemory), "buy memory"
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


def test_enough_memory_is_one_run_and_no_room_is_made() -> None:
    vae = Scripted([None])
    assert vae.take(ways_to_run(Tiling(), 8, 2048)) == ("result of whole", 0)
    assert vae.log == ["whole"]


def test_room_helps_before_tiles_are_used() -> None:
    vae = Scripted([None], after_room=True)
    ways = ways_to_run(Tiling(), 8, 2048)
    assert vae.take(ways) == ("result of whole", 1)
    assert vae.log == ["whole", "room", "whole"]
    assert way_text(ways, 1) == "memory ran out once, other models left the device: in one piece"


def test_tiles_are_halved_until_they_fit() -> None:
    vae = Scripted([Tiles(256, 64)])
    ways = ways_to_run(Tiling(), 8, 2048)
    result, index = vae.take(ways)
    assert result == "result of tiles of 256 with overlap 64"
    assert [done for done in vae.log if done != "room"] == [str(w or "whole") for w in ways[:4]]
    assert way_text(ways, index) == (
        "memory ran out 3 times, other models left the device: tiles of 256 with overlap 64"
    )


def test_no_way_that_fits_is_the_advice() -> None:
    vae = Scripted([])
    with pytest.raises(RuntimeError, match=r"^buy memory$"):
        vae.take(ways_to_run(Tiling(), 8, 2048))
    assert vae.log.count("whole") == 2


def test_other_errors_are_not_tried_again() -> None:
    calls = []

    def run(way: Tiles | None) -> None:
        calls.append(way)
        raise ValueError("wrong shape")

    with pytest.raises(ValueError, match="wrong shape"):
        first_that_fits([None, None], run, list, lambda error: False, "")
    assert len(calls) == 1


def test_failed_run_is_let_go_before_room_is_made() -> None:
    alive = []

    class Tensor:
        def __del__(self) -> None:
            alive.clear()

    def run(way: Tiles | None) -> None:
        held = Tensor()
        alive.append("tensor")
        raise NoMemory(len([held]))

    seen = []
    with pytest.raises(RuntimeError):
        first_that_fits([None], run, lambda: seen.extend(["room", *alive]), bool, "")
    assert seen == ["room"]


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
