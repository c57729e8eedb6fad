"""Random numbers as a function of a name and an index, the same on every machine.

Each 64-bit number is the SplitMix64 finaliser (Steele, Lea and Flood 2014) of a counter that starts
at the hash of a name. A value is the centred sum of its four 16-bit parts, which is nearly normal
and uses integers only. The sines and logarithms of the usual methods differ in their last bits
between mathematical libraries.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np

_STEP = 0x9E3779B97F4A7C15
_CHUNK = 1 << 15  # counters that fit the CPU's cache

# The variance of the sum of four uniform numbers of 0..65535.
_SUM_STD = math.sqrt(4 * (65536**2 - 1) / 12)


def whole_numbers(name: str, first: int, count: int) -> np.ndarray:
    """Return `count` uniform 64-bit numbers of a name's sequence, from index `first` on."""
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    z = np.arange(first, first + count, dtype=np.uint64)
    z *= np.uint64(_STEP)
    z += np.uint64(start)
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def normal_like(name: str, shape: tuple[int, ...], std: float) -> np.ndarray:
    """Return values in fp16 of mean 0 and standard deviation `std`, at most 3.46 times that.

    A value is exact in fp64 up to one rounding, and fp16 is its nearest: the bits are the same
    wherever numpy keeps to IEEE 754.
    """
    scale = std / _SUM_STD
    flat = np.empty(math.prod(shape), dtype=np.float16)
    for first in range(0, flat.size, _CHUNK):
        count = min(_CHUNK, flat.size - first)
        parts = whole_numbers(name, first, count).view(np.uint16).reshape(count, 4)
        total = parts[:, 0].astype(np.int32)
        for part in (1, 2, 3):
            total += parts[:, part]
        flat[first : first + count] = (total - 2 * 65535) * scale
    return flat.reshape(shape)
