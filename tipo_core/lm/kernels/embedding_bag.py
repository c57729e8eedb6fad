"""Products of few vectors with matrices on a CPU, as fast as memory is read.

A vector times a matrix is a weighted sum of the matrix's rows, which is what an embedding bag
computes. Its kernel (fbgemm) reads half precision and adds up in fp32, several matrices in one
call and where they lie; a linear layer's takes about twice as long for half precision, because it
puts the whole matrix into another order first.
"""

from __future__ import annotations

import torch
from torch.nn import functional

# So many columns at a time are added up in registers; the parts of a row also run in parallel.
_WIDEST = 512


def row_sums(
    table: torch.Tensor, which: torch.Tensor, starts: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Return for each start the sum of the rows `which` of `table`, each times its weight: `S, D`.

    `which` and `weights` are those of all sums, one sum behind the other, and have as many
    entries; `which` and `starts` are int32. The sums are rounded to the dtype that `table` (`R, D`)
    and `weights` share.
    """
    return functional.embedding_bag(which, table, starts, mode="sum", per_sample_weights=weights)


def starts_of(count: int, length: int) -> torch.Tensor:
    """Return where `count` sums of `length` rows each begin."""
    return torch.arange(0, count * length, length, dtype=torch.int32)


class Products:
    """Products of vectors (`R`) with matrices out of a stack (`E, R, D`) of one size."""

    def __init__(self, height: int, width: int) -> None:
        self._height, self._width = height, width
        self._parts = _parts(width)
        # Each row of the stack as so many rows of a table: those of a part, one behind the other.
        rows = torch.arange(height, dtype=torch.int32, device="cpu") * self._parts
        self._rows = rows + torch.arange(self._parts, dtype=torch.int32, device="cpu")[:, None]

    def __call__(
        self, stack: torch.Tensor, which: torch.Tensor, inputs: torch.Tensor
    ) -> torch.Tensor:
        """Return `inputs[p] @ stack[which[p]]` for each p: `P, D` for `P, R` and int32 `P`."""
        count, parts = len(which), self._parts
        first = which * (self._height * parts)
        sums = row_sums(
            stack.view(-1, self._width // parts),
            (self._rows + first[:, None, None]).view(-1),
            starts_of(count * parts, self._height),
            inputs[:, None].expand(-1, parts, -1).reshape(-1),
        )
        return sums.view(count, self._width)


def _parts(width: int) -> int:
    """Return into how many equal parts a row is cut; one that cannot well be cut stays whole."""
    fewest = -(-width // _WIDEST)
    return next((n for n in range(fewest, 4 * fewest) if width % n == 0), 1)
