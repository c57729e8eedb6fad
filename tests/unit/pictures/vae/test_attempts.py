from __future__ import annotations

import pytest

from tipo_core.pictures.vae.attempts import attempt_text, out_of_memory_advice, plan_attempts
from tipo_core.pictures.vae.tiling import RowStrips, Tiles, Tiling


def test_auto_is_whole_then_room_then_tiles_halved_to_the_floor() -> None:
    expected = [None, None, Tiles(512, 64), Tiles(256, 64), Tiles(128, 32)]
    assert plan_attempts(Tiling(), 8, 2048) == expected


def test_always_begins_with_tiles_and_never_has_none() -> None:
    tiles = [Tiles(256, 32), Tiles(256, 32), Tiles(128, 32)]
    assert plan_attempts(Tiling("always", 256, 32), 8, 2048) == tiles
    assert plan_attempts(Tiling("never", 256, 32), 8, 2048) == [None, None]


@pytest.mark.parametrize(("side", "largest"), [(513, 512), (512, 256), (256, 128), (64, 128)])
def test_tiles_as_large_as_the_picture_are_left_out(side: int, largest: int) -> None:
    tiles = plan_attempts(Tiling(), 8, side)[2]
    assert isinstance(tiles, Tiles)
    assert tiles.size == largest


def test_strips_come_before_tiles_where_the_vae_has_them() -> None:
    strips = [RowStrips(512), RowStrips(256), RowStrips(128)]
    tiles = [Tiles(512, 64), Tiles(256, 64), Tiles(128, 32)]
    assert plan_attempts(Tiling(), 8, 2048, has_strips=True) == [None, None, *strips, *tiles]
    assert plan_attempts(Tiling(), 8, 512, has_strips=True)[2:4] == strips[1:]
    assert plan_attempts(Tiling("strips"), 8, 512, has_strips=True) == [strips[0], *strips]
    assert plan_attempts(Tiling("always"), 8, 512, has_strips=True) == [tiles[0], *tiles]
    with pytest.raises(ValueError, match="set tiling to auto or always"):
        plan_attempts(Tiling("strips"), 8, 512)


@pytest.mark.parametrize(("factor", "least"), [(8, 128), (64, 128), (128, 256)])
def test_tiles_are_halved_to_the_floor_of_the_vae(factor: int, least: int) -> None:
    """Tiles of 128 pixels are the smallest, except for a VAE that needs larger ones."""
    last = plan_attempts(Tiling("always", 1024, 0), factor, 4096)[-1]
    assert last == Tiles(least, 0)


def test_a_size_below_the_floor_is_the_users() -> None:
    assert plan_attempts(Tiling("auto", 64, 16), 8, 2048)[2:] == [Tiles(64, 16)]


def test_unknown_tiling_is_named_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"'maybe' is not known: choose auto, always, never"):
        plan_attempts(Tiling("maybe"), 8, 512)


def test_the_attempt_that_was_taken_is_named_with_the_reason() -> None:
    attempts = plan_attempts(Tiling(), 8, 2048)
    assert attempt_text(attempts, 0) == "in one piece"
    assert "memory ran out twice" in attempt_text(attempts, 2)
    once, thrice = attempt_text(attempts, 1), attempt_text(attempts, 3)
    assert "memory ran out once" in once and once.endswith("in one piece")
    assert "3 times" in thrice and thrice.endswith("tiles of 256 with overlap 64")


def test_advice_names_the_last_attempt_and_the_remedies() -> None:
    shape = (1, 4, 512, 512)
    asked = Tiling()
    text = out_of_memory_advice("decode", shape, "cuda:0", asked, plan_attempts(asked, 8, 4096))
    assert text.startswith("cuda:0 has too little memory to decode 1 x 4 x 512 x 512 in tiles of")
    assert "--cpu-vae" in text
    asked = Tiling("never")
    text = out_of_memory_advice("encode", shape, "cpu", asked, plan_attempts(asked, 8, 4096))
    assert "in one piece" in text
    assert "set tiling to auto" in text
    assert "--cpu-vae" not in text


def test_advice_names_the_strips_that_were_tried_last() -> None:
    asked = Tiling("strips", 256)
    attempts = plan_attempts(asked, 8, 4096, has_strips=True)
    text = out_of_memory_advice("encode", (1, 3, 64, 64), "mps", asked, attempts)
    assert "128 x 128" in text and "set tiling" not in text
