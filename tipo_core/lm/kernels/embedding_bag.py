"""Matrix-vector products on a CPU at memory bandwidth, by torch's embedding bag.

A vector times a matrix is a weighted sum of the matrix's rows, which is an embedding bag. Its
kernel (fbgemm) reads fp16, accumulates in fp32, and serves several matrices in one call without
copying them. A linear layer takes about twice as long in fp16, because its kernel first reorders
the whole matrix.
"""

from __future__ import annotations

import torch
from torch.nn import functional

# The kernel accumulates up to this many columns in registers; narrower slices also run in parallel.
_MAX_SLICE = 512


def embedding_bag(
    table: torch.Tensor, indices: torch.Tensor, offsets: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Return for each bag the weighted sum of its rows of `table` (`R, D`): `bags, D`.

    `indices` (int32) and `weights` are those of all bags, concatenated; `offsets` (`bags`, int32)
    says where each bag begins. The sums are rounded to the dtype that `table` and `weights` share.
    """
    return functional.embedding_bag(indices, table, offsets, mode="sum", per_sample_weights=weights)


def bag_offsets(bags: int, length: int) -> torch.Tensor:
    """Return the offsets of `bags` bags of `length` rows each, int32."""
    return torch.arange(0, bags * length, length, dtype=torch.int32)


class IndexedMatVec:
    """Products of vectors (`R`) with matrices chosen from a stack (`E, R, D`)."""

    def __init__(self, height: int, width: int) -> None:
        self._height, self._width = height, width
        self._slices = _slice_count(width)
        # Each row of a matrix is `slices` rows of the table. These are the table rows of a matrix,
        # `slices, R`, slice by slice.
        rows = torch.arange(height, dtype=torch.int32, device="cpu") * self._slices
        self._rows = rows + torch.arange(self._slices, dtype=torch.int32, device="cpu")[:, None]

    def __call__(
        self, stack: torch.Tensor, indices: torch.Tensor, inputs: torch.Tensor
    ) -> torch.Tensor:
        """Return `inputs[p] @ stack[indices[p]]` for each p: `P, D` for `P, R` and int32 `P`."""
        count, slices = len(indices), self._slices
        first = indices * (self._height * slices)
        sums = embedding_bag(
            stack.view(-1, self._width // slices),
            (self._rows + first[:, None, None]).view(-1),
            bag_offsets(count * slices, self._height),
            inputs[:, None].expand(-1, slices, -1).reshape(-1),
        )
        return sums.view(count, self._width)


def _slice_count(width: int) -> int:
    """Return into how many equal slices to cut a row; 1 where no suitable number divides it."""
    fewest = -(-width // _MAX_SLICE)
    return next((n for n in range(fewest, 4 * fewest) if width % n == 0), 1)
