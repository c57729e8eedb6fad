"""Random generators of one purpose each, which follow from the seed and share nothing.

No global generator is read or seeded. A generator depends on the seed, its purpose and a place
(a step, an epoch, a layer), so a resumed run needs no saved generator state.
"""

from __future__ import annotations

import hashlib

import torch


def generator_of(seed: int, purpose: str, *place: object) -> torch.Generator:
    """Return a generator on the CPU for a purpose and a place of a run."""
    text = "\0".join(str(part) for part in (seed, purpose, *place))
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest()
    # torch takes seeds of 64 bits; the sign bit is left out.
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
