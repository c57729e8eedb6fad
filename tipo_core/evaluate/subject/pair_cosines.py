"""Cosines between the features of pictures, in float64."""

from __future__ import annotations

import torch


def directions(features: torch.Tensor, name: str) -> torch.Tensor:
    """Return features (N, D) scaled to length 1, in float64.

    Raises ValueError, which names the set, for no rows, NaN or infinite values, and rows of zeros.
    """
    rows = features.detach().to("cpu", torch.float64)
    if rows.ndim != 2 or not rows.numel():
        raise ValueError(f"the {name} have features of the shape {tuple(rows.shape)}: give N, D")
    if not bool(rows.isfinite().all()):
        raise ValueError(f"features of the {name} are NaN or infinite: choose another encoder")
    lengths = rows.norm(dim=1, keepdim=True)
    if not bool((lengths > 0).all()):
        number = int((lengths == 0).nonzero()[0, 0]) + 1
        raise ValueError(f"number {number} of the {name} has features of zeros: remove it")
    return rows / lengths


def cosines(
    first: torch.Tensor, second: torch.Tensor, names: tuple[str, str] = ("pictures", "pictures")
) -> torch.Tensor:
    """Return the cosines (N, M) of features (N, D) and (M, D); `names` are for errors."""
    one, other = directions(first, names[0]), directions(second, names[1])
    if one.shape[1] != other.shape[1]:
        raise ValueError(
            f"the {names[0]} have {one.shape[1]} features and the {names[1]} {other.shape[1]}: use "
            "the encoders of one model"
        )
    return one @ other.T


def mean_of_pairs(square: torch.Tensor) -> float | None:
    """Return the mean of a square matrix (N, N) without its diagonal; None below two rows."""
    count = len(square)
    if count < 2:
        return None
    return float((square.sum() - square.diagonal().sum()) / (count * (count - 1)))
