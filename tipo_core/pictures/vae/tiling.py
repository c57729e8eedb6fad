"""How a VAE is run where memory is short: what is tried, in which order, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

AUTO = "auto"
ALWAYS = "always"
NEVER = "never"
STRIPS = "strips"
TILINGS = (AUTO, ALWAYS, NEVER, STRIPS)

DEFAULT_TILE = 512
DEFAULT_OVERLAP = 64
# Below it tiles cost picture quality and save little: 128 x 128 pixels need some 80 MB in fp16.
LEAST_TILE = 128
# Of a strip: with fewer, most of the work is the rows that neighbours share.
LEAST_ROWS = 8


@dataclass(frozen=True)
class Tiles:
    """The side of a square tile and how far neighbours overlap, both in pixels."""

    size: int
    overlap: int

    def __str__(self) -> str:
        return f"tiles of {self.size} with overlap {self.overlap}"


@dataclass(frozen=True)
class RowStrips:
    """Strips of rows, of as many pixels as a square tile of this side; see `vae_strips`."""

    side: int

    def __str__(self) -> str:
        return f"exact strips of {self.side} x {self.side} pixels' size"

    def rows(self, width: int) -> int:
        """Return the rows of a strip of a picture so many pixels wide."""
        return max(self.side * self.side // width, LEAST_ROWS)


# How a picture goes through a VAE; None is in one piece.
Way = Tiles | RowStrips | None


@dataclass(frozen=True)
class Tiling:
    """When tiles are used, and which; the names are the nodes' inputs."""

    tiling: str = AUTO
    tile_size: int = DEFAULT_TILE
    overlap: int = DEFAULT_OVERLAP


def fitted_tiles(tile_size: int, overlap: int, factor: int) -> Tiles:
    """Return tiles that ComfyUI can cut, near those asked for.

    `factor` is the VAE's: pixels a side for one latent pixel. ComfyUI also cuts tiles of half the
    side, so that the side is a multiple of twice the factor; the overlap is one of the factor and,
    as in core's VAEDecodeTiled, at most a quarter of the tile.
    """
    size = max(tile_size // (2 * factor), 1) * 2 * factor
    return Tiles(size, min(overlap, size // 4) // factor * factor)


def tile_note(asked: Tiling, factor: int) -> str | None:
    """Return what of the tiles asked for cannot be had, or None."""
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


def ways_to_run(
    asked: Tiling, factor: int, longest_side: int, *, has_strips: bool = False
) -> list[Way]:
    """Return what to try, in order; None is the whole picture in one piece.

    "auto" is whole, whole again with room made, strips where the VAE has them, then tiles; strips
    and tiles of half the side each time, down to LEAST_TILE (or the size asked for, where that is
    less). "always" begins with the tiles and "strips" with the strips, tried twice too; "never" has
    neither. In "auto", those that would be as large as the picture (`longest_side`, pixels) are
    left out. Raises ValueError for another word, and for strips that the VAE does not have.
    """
    if asked.tiling not in TILINGS:
        raise ValueError(f"tiling {asked.tiling!r} is not known: choose {', '.join(TILINGS)}")
    whole: list[Way] = [None, None]
    if asked.tiling == NEVER:
        return whole
    tiles = [fitted_tiles(asked.tile_size, asked.overlap, factor)]
    while tiles[-1].size // 2 >= max(LEAST_TILE, 2 * factor):
        tiles.append(fitted_tiles(tiles[-1].size // 2, asked.overlap, factor))
    strips = [RowStrips(one.size) for one in tiles]
    if asked.tiling == ALWAYS:
        return [tiles[0], *tiles]
    if asked.tiling == STRIPS:
        if not has_strips:
            raise ValueError(
                "This VAE is of a kind that has no strips: set tiling to auto or always."
            )
        return [strips[0], *strips]
    smaller = [one for one in tiles if one.size < longest_side] or tiles[-1:]
    exact = [RowStrips(one.size) for one in smaller] if has_strips else []
    return [*whole, *exact, *smaller]


def no_memory_advice(
    verb: str, shape: Sequence[int], device: str, asked: Tiling, ways: Sequence[Way]
) -> str:
    """Return the error where no way fits in memory: what was tried and what to do."""
    tried = "in one piece" if ways[-1] is None else f"in {ways[-1]}"
    remedies = ["make the picture or the batch smaller", "close what else uses the memory"]
    if asked.tiling == NEVER:
        remedies.insert(0, "set tiling to auto")
    if device != "cpu":
        remedies.append("start ComfyUI with --cpu-vae")
    return (
        f"{device} has too little memory to {verb} {shape_text(shape)} {tried}, with all other "
        f"models unloaded: {', '.join(remedies[:-1])} or {remedies[-1]}."
    )


def way_text(ways: Sequence[Way], index: int) -> str:
    """Return which way of `ways` was taken, and why not the first."""
    taken = str(ways[index] or "in one piece")
    if not index:
        return taken
    times = {1: "once", 2: "twice"}.get(index, f"{index} times")
    return f"memory ran out {times}, other models left the device: {taken}"


def shape_text(shape: Sequence[int]) -> str:
    """Return '1 x 4 x 64 x 64'."""
    return " x ".join(map(str, shape))


def broken_vae_problem(verb: str) -> str:
    """Return the error for values that are not finite in fp32 either."""
    return (
        f"The VAE gives NaN or infinite values in fp32 too, though what it was to {verb} is "
        "finite: its weights are broken. Download the file again, or choose another VAE."
    )
