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


def products(stack: torch.Tensor, which: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """Return `inputs[p] @ stack[which[p]]` for each p: `P, D` for `P, R` and `E, R, D`.

    `which` is int32; the sums are rounded to the dtype that `stack` and `inputs` share.
    """
    _, height, width = stack.shape
    parts = _parts(width)
    # Each row of the stack as `parts` rows of a table: first those of its own matrix, ...
    rows = torch.add(torch.arange(height, dtype=torch.int32), which[:, None], alpha=height)
    # ... then, for each part of the columns, its own ones of them: `P, parts, R`.
    rows = torch.add(torch.arange(parts, dtype=torch.int32)[:, None], rows[:, None], alpha=parts)
    sums = functional.embedding_bag(
        rows.flatten(0, 1),
        stack.view(-1, width // parts),
        per_sample_weights=inputs[:, None].expand(-1, parts, -1).flatten(0, 1),
        mode="sum",
    )
    return sums.view(-1, width)


def _parts(width: int) -> int:
    """Return into how many equal parts a row is cut; one that cannot well be cut stays whole."""
    fewest = -(-width // _WIDEST)
    return next((n for n in range(fewest, 4 * fewest) if width % n == 0), 1)
