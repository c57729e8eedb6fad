"""The best quality whose file is not larger than a target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LOWEST_QUALITY, HIGHEST_QUALITY = 1, 100


@dataclass(frozen=True)
class Fitted:
    """The file that was chosen; `fits` says whether it is within the target."""

    content: bytes
    quality: int
    encodes: int
    fits: bool


def fitted_to(encode: Callable[[int], bytes], most_bytes: int) -> Fitted:
    """Search the highest quality with a file of at most `most_bytes`, by halving.

    `encode` gives the whole file at a quality; files are taken to grow with it. Halving a hundred
    qualities takes at most seven encodes. Where no file fits, the smallest one is chosen.
    """
    content, quality, encodes, fits = b"", 0, 0, False
    low, high = LOWEST_QUALITY, HIGHEST_QUALITY
    while low <= high:
        middle = (low + high) // 2
        tried = encode(middle)
        encodes += 1
        if len(tried) <= most_bytes:
            content, quality, fits = tried, middle, True
            low = middle + 1
        else:
            if not fits and (not content or len(tried) <= len(content)):
                content, quality = tried, middle
            high = middle - 1
    return Fitted(content, quality, encodes, fits)
