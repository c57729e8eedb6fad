"""Equal and nearly equal pictures, by a perceptual hash and the colours of a small version.

The hash is the difference hash (dHash): a bit for each pair of neighbours of a small grey version,
across and down. It hardly changes when a picture is scaled, compressed or brightened. Flat drawings
of one subject on several grounds have like hashes, so their colours have to be near too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

_SIDE = 8  # bits of a row: 64 across and 64 down
_MOST_BITS = 12  # of 128, that near pictures differ by
_COLOURS = 16  # pixels of a side of the small version
_MOST_DIFFERENCE = 12.0  # mean difference of colours, of 255
_BLOCK = 256  # pictures compared at a time
_REDUCED = 128  # pixels of the shorter side, from which the small versions are made


@dataclass(frozen=True)
class Likeness:
    """What is compared of a picture: a digest, bits of the hash, and small colours, both ways."""

    digest: str
    bits: np.ndarray  # 2, 128: as it is, and mirrored
    colours: np.ndarray  # 2, 16 * 16 * 3


def likeness_of(image: Image.Image) -> Likeness:
    """Return what is compared of an RGB picture."""
    digest = hashlib.blake2b(f"{image.size}".encode() + image.tobytes(), digest_size=16)
    small = image.reduce(max(min(image.size) // _REDUCED, 1))
    both = (small, small.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    return Likeness(
        digest.hexdigest(),
        np.stack([_difference_hash(one) for one in both]),
        np.stack([_small_colours(one) for one in both]),
    )


def _difference_hash(image: Image.Image) -> np.ndarray:
    grey = image.convert("L")
    box = Image.Resampling.BOX
    across = np.asarray(grey.resize((_SIDE + 1, _SIDE), box), dtype=np.int16)
    down = np.asarray(grey.resize((_SIDE, _SIDE + 1), box), dtype=np.int16)
    bits = ((across[:, 1:] > across[:, :-1]).ravel(), (down[1:] > down[:-1]).ravel())
    return np.concatenate(bits)


def _small_colours(image: Image.Image) -> np.ndarray:
    small = image.resize((_COLOURS, _COLOURS), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32).ravel()


def like_pairs(pictures: Sequence[Likeness]) -> list[tuple[int, int, str]]:
    """Return pairs of places (first, later) and how they are alike.

    The ways are 'equal', 'nearly equal' and 'mirrored'. A picture is in one pair at most as the
    later one.
    """
    if len(pictures) < 2:
        return []
    # Bits as -1 and 1: a product of two hashes is 128 less twice the number of differing bits.
    signs = np.stack([one.bits for one in pictures]).astype(np.float32) * 2 - 1
    colours = [one.colours for one in pictures]
    least = signs.shape[-1] - 2 * _MOST_BITS
    found: list[tuple[int, int, str]] = []
    firsts: dict[str, int] = {}
    for start in range(0, len(pictures), _BLOCK):
        laters = range(start, min(start + _BLOCK, len(pictures)))
        products = [signs[start : laters.stop, side] @ signs[: laters.stop, 0].T for side in (0, 1)]
        for later in laters:
            first = firsts.setdefault(pictures[later].digest, later)
            if first != later:
                found.append((first, later, "equal"))
                continue
            alike = [row[later - start, :later] >= least for row in products]
            near = _nearest(colours, later, alike)
            if near:
                found.append((near[0], later, near[1]))
    return found


def _nearest(
    colours: Sequence[np.ndarray], later: int, alike: Sequence[np.ndarray]
) -> tuple[int, str] | None:
    """Return the first earlier picture with a like hash and near colours, and how it is like."""
    for side, way in ((0, "nearly equal"), (1, "mirrored")):
        for place in map(int, np.flatnonzero(alike[side])):
            difference = np.abs(colours[place][0] - colours[later][side]).mean()
            if difference <= _MOST_DIFFERENCE:
                return place, way
    return None
