"""The training pictures: drawn once, kept in the run's folder as one file."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from .drawings import picture, scene

log = logging.getLogger("tipo-suite")

_CHUNK = 256  # pictures that a worker draws at a time


def _some(first: int, side: int, styles: Sequence[str], count: int, test: bool) -> np.ndarray:
    """Return the pictures of the seeds from `first` on: `n, side, side, 3`."""
    seeds = range(first, min(first + _CHUNK, count))
    return np.stack([picture(scene(seed, styles, test), side) for seed in seeds])


def pictures(
    path: Path,
    count: int,
    side: int,
    styles: Sequence[str],
    workers: int = 0,
    test: bool = False,
) -> np.ndarray:
    """Return the pictures of seeds 0..count-1, `count, side, side, 3` in uint8, read as needed.

    They show trained pairs or, with `test`, held-out pairs. A missing file is drawn, with `workers`
    0 by one process per core.
    """
    if not path.exists():
        log.info("drawing %d pictures", count)
        part = path.with_name(path.name + ".part")
        file = np.lib.format.open_memmap(
            part, mode="w+", dtype=np.uint8, shape=(count, side, side, 3)
        )
        firsts = range(0, count, _CHUNK)
        draw_some = partial(_some, side=side, styles=styles, count=count, test=test)
        if workers == 1:
            for first in firsts:
                file[first : first + _CHUNK] = draw_some(first)
        else:
            with ProcessPoolExecutor(workers or None) as pool:
                for first, drawn in zip(firsts, pool.map(draw_some, firsts), strict=True):
                    file[first : first + _CHUNK] = drawn
        file.flush()
        del file
        os.replace(part, path)
    return np.load(path, mmap_mode="r")
