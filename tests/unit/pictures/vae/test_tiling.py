from __future__ import annotations

from itertools import product

import pytest

from tipo_core.pictures.vae.tiling import RowStrips, Tiling, fitted_tiles, tile_note


def test_strips_have_a_tiles_pixels_and_rows_enough() -> None:
    assert RowStrips(512).rows(1024) == 256
    assert RowStrips(128).rows(8192) == 8


@pytest.mark.parametrize("factor", [1, 4, 8, 16, 32])
def test_tiles_fit_the_vaes_factor(factor: int) -> None:
    for size, overlap in product((64, 192, 512, 4096), (0, 32, 64, 4096)):
        tiles = fitted_tiles(size, overlap, factor)
        assert tiles.size == size
        assert tiles.size % (2 * factor) == 0
        assert tiles.overlap % factor == 0
        assert tiles.overlap <= min(overlap, tiles.size // 4)
        # The half-wide tiles that ComfyUI cuts too must go forward.
        assert tiles.overlap < tiles.size // 2


def test_note_names_each_change_of_the_tiles() -> None:
    assert tile_note(Tiling("auto", 512, 64), 8) is None
    overlap = tile_note(Tiling("auto", 256, 128), 8) or ""
    assert "overlap 128" in overlap and "to 64" in overlap and "quarter of the tile" in overlap
    rounded = tile_note(Tiling("auto", 512, 36), 8) or ""
    assert "overlap 36" in rounded and "to 32" in rounded and "latent pixels" in rounded
    at_the_limit = tile_note(Tiling("auto", 144, 36), 8) or ""
    assert "to 32" in at_the_limit and "latent pixels" in at_the_limit
    size = tile_note(Tiling("auto", 72, 8), 8) or ""
    assert "tile_size 72" in size and "64" in size and "overlap" not in size
    both = tile_note(Tiling("auto", 72, 64), 8) or ""
    assert "tile_size 72" in both and "overlap 64" in both


def test_tile_is_never_smaller_than_two_latent_pixels() -> None:
    assert fitted_tiles(1, 0, 8).size == 16
    assert fitted_tiles(31, 0, 8).size == 16
    assert fitted_tiles(32, 0, 8).size == 32
