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


@dataclass(frozen=True)
class Likeness:
    """What is compared of a picture: a digest, bits of the hash, and small colours, both ways."""

    digest: str
    bits: np.ndarray  # 2, 128: as it is, and mirrored
    colours: np.ndarray  # 2, 16 * 16 * 3


def likeness_of(image: Image.Image) -> Likeness:
    """Return what is compared of an RGB picture."""
    digest = hashlib.blake2b(f"{image.size}".encode() + image.tobytes(), digest_size=16)
    both = (image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
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
    bits = np.stack([one.bits for one in pictures])
    colours = np.stack([one.colours for one in pictures])
    found: list[tuple[int, int, str]] = []
    firsts: dict[str, int] = {}
    for later, one in enumerate(pictures):
        if (first := firsts.setdefault(one.digest, later)) != later:
            found.append((first, later, "equal"))
            continue
        near = _nearest(bits, colours, later)
        if near:
            found.append((near[0], later, near[1]))
    return found


def _nearest(bits: np.ndarray, colours: np.ndarray, later: int) -> tuple[int, str] | None:
    """Return the first earlier picture that is nearly equal to one, and how."""
    for start in range(0, later, _BLOCK):
        earlier = slice(start, min(start + _BLOCK, later))
        for side, way in ((0, "nearly equal"), (1, "mirrored")):
            differing = (bits[earlier, 0] != bits[later, side]).sum(axis=1)
            for place in start + np.flatnonzero(differing <= _MOST_BITS):
                difference = np.abs(colours[place, 0] - colours[later, side]).mean()
                if difference <= _MOST_DIFFERENCE:
                    return int(place), way
    return None
