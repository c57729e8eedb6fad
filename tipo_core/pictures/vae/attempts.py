"""The attempts to run a VAE where memory is short: their order, and the messages about them."""

from __future__ import annotations

from collections.abc import Sequence

from .input_checks import shape_text
from .tiling import (
    ALWAYS,
    LEAST_TILE,
    NEVER,
    STRIPS,
    TILINGS,
    RowStrips,
    Tiles,
    Tiling,
    fitted_tiles,
)

# One attempt: in tiles, in strips, or (None) the whole picture in one piece.
Attempt = Tiles | RowStrips | None


def plan_attempts(
    asked: Tiling, factor: int, longest_side: int, *, has_strips: bool = False
) -> list[Attempt]:
    """Return the attempts in order; None is the whole picture in one piece.

    Memory is freed before each attempt but the first, so the first attempt is made twice. "auto"
    tries the whole picture, then strips where the VAE supports them, then tiles. Strips and tiles
    halve their side each time, down to LEAST_TILE or a smaller requested size; those as large as
    the picture (`longest_side`, pixels) are left out. "always" tries tiles only, "strips" strips
    only, "never" the whole picture only.
    Raises ValueError for an unknown tiling, and for strips if the VAE does not support them.
    """
    if asked.tiling not in TILINGS:
        raise ValueError(f"tiling {asked.tiling!r} is not known: choose {', '.join(TILINGS)}")
    whole: list[Attempt] = [None, None]
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
            raise ValueError("This kind of VAE cannot run in strips: set tiling to auto or always.")
        return [strips[0], *strips]
    smaller = [one for one in tiles if one.size < longest_side] or tiles[-1:]
    exact = [RowStrips(one.size) for one in smaller] if has_strips else []
    return [*whole, *exact, *smaller]


def out_of_memory_advice(
    verb: str, shape: Sequence[int], device: str, asked: Tiling, attempts: Sequence[Attempt]
) -> str:
    """Return the error where no attempt fits in memory: the last attempt and the remedies."""
    tried = "in one piece" if attempts[-1] is None else f"in {attempts[-1]}"
    remedies = ["make the picture or the batch smaller", "close other programs that use the memory"]
    if asked.tiling == NEVER:
        remedies.insert(0, "set tiling to auto")
    if device != "cpu":
        remedies.append("start ComfyUI with --cpu-vae")
    return (
        f"{device} has too little memory to {verb} {shape_text(shape)} {tried}, with all other "
        f"models unloaded: {', '.join(remedies[:-1])} or {remedies[-1]}."
    )


def attempt_text(attempts: Sequence[Attempt], index: int) -> str:
    """Report the attempt that succeeded, and the failed attempts before it."""
    used = str(attempts[index] or "in one piece")
    if not index:
        return used
    times = {1: "once", 2: "twice"}.get(index, f"{index} times")
    return f"memory ran out {times}, other models were unloaded: {used}"
