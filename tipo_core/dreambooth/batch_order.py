"""The order in which pictures are trained on.

A batch has pictures of one size. Every epoch has its own order, which follows from the seed and
the epoch alone, so the batch of any step is known without the steps before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch

from .private_generators import generator_of


class BatchOrder:
    """Batches of `size` places in a list of pictures; a picture is used `repeats` times an epoch.

    `shapes` are the shapes of the pictures' latents. An incomplete batch is filled with pictures
    of its shape from the start of the epoch. `purpose` keeps the orders of two sets apart.
    """

    def __init__(
        self, shapes: Sequence[torch.Size], size: int, repeats: int, seed: int, purpose: str
    ) -> None:
        self._size, self._seed, self._purpose = size, seed, purpose
        groups: dict[tuple[int, ...], list[int]] = {}
        for place, shape in enumerate(shapes):
            groups.setdefault(tuple(shape), []).extend([place] * repeats)
        self._groups = list(groups.values())
        self.batches_per_epoch = sum(-(-len(group) // size) for group in self._groups)
        self._epoch = lru_cache(maxsize=2)(self._order_of_epoch)

    def batch(self, number: int) -> list[int]:
        """Return the places of the pictures of a batch; batches count from 0 over all epochs."""
        epoch, place = divmod(number, self.batches_per_epoch)
        return self._epoch(epoch)[place]

    def _order_of_epoch(self, epoch: int) -> list[list[int]]:
        generator = generator_of(self._seed, self._purpose, epoch)
        batches = []
        for group in self._groups:
            order = torch.randperm(len(group), generator=generator).tolist()
            count = -(-len(group) // self._size)
            for start in range(0, count * self._size, self._size):
                places = [order[n % len(order)] for n in range(start, start + self._size)]
                batches.append([group[place] for place in places])
        order = torch.randperm(len(batches), generator=generator).tolist()
        return [batches[place] for place in order]
