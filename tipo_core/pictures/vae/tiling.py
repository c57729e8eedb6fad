"""Tiles and strips: the parts in which a VAE processes a picture."""

from __future__ import annotations

from dataclasses import dataclass

AUTO = "auto"
ALWAYS = "always"
NEVER = "never"
STRIPS = "strips"
TILINGS = (AUTO, ALWAYS, NEVER, STRIPS)

DEFAULT_TILE = 512
DEFAULT_OVERLAP = 64
# Smaller tiles cost picture quality and save little: 128 x 128 pixels need some 80 MB in fp16.
LEAST_TILE = 128
# Min rows of a strip: with fewer, most of the work is for the rows that neighbours share.
LEAST_ROWS = 8


@dataclass(frozen=True)
class Tiles:
    """Square tiles: their side, and the overlap of neighbours, in pixels."""

    size: int
    overlap: int

    def __str__(self) -> str:
        return f"tiles of {self.size} with overlap {self.overlap}"


@dataclass(frozen=True)
class RowStrips:
    """Strips of rows with as many pixels as a square tile of this side (`row_strips`)."""

    side: int

    def __str__(self) -> str:
        return f"exact strips the size of {self.side} x {self.side} pixels"

    def rows(self, width: int) -> int:
        """Return the rows of a strip of a picture of this width in pixels."""
        return max(self.side * self.side // width, LEAST_ROWS)


@dataclass(frozen=True)
class Tiling:
    """The tiling inputs of the VAE nodes; sizes in pixels."""

    tiling: str = AUTO
    tile_size: int = DEFAULT_TILE
    overlap: int = DEFAULT_OVERLAP


def fitted_tiles(tile_size: int, overlap: int, factor: int) -> Tiles:
    """Return the nearest tiles that ComfyUI can cut.

    `factor` is the downscale of the VAE: pixels a side for one latent pixel. ComfyUI also cuts
    tiles of half the side, so the side is a multiple of twice the factor. The overlap is a multiple
    of the factor and, as in core's VAEDecodeTiled, at most a quarter of the tile.
    """
    size = max(tile_size // (2 * factor), 1) * 2 * factor
    return Tiles(size, min(overlap, size // 4) // factor * factor)


def tile_note(asked: Tiling, factor: int) -> str | None:
    """Return a note on the requested tiles that had to change, or None."""
    tiles = fitted_tiles(asked.tile_size, asked.overlap, factor)
    notes = []
    if tiles.size != asked.tile_size:
        notes.append(f"tile_size {asked.tile_size} became {tiles.size}")
    if tiles.overlap != asked.overlap:
        limit = (
            "a quarter of the tile" if asked.overlap > tiles.size // 4 else "whole latent pixels"
        )
        notes.append(f"overlap {asked.overlap} was limited to {tiles.overlap} ({limit})")
    return ", ".join(notes) or None
