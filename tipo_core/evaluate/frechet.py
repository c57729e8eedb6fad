"""The Frechet distance between two sets of features, and its limit for many pictures.

|mu_1 - mu_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2)) of the two Gaussians with the sets' means and
unbiased covariances (Dowson & Landau 1982; of Inception features: Heusel et al. 2017,
arXiv 1706.08500).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

# With fewer pictures per dimension, the bias of half the set is not linear in 1/N.
PICTURES_PER_DIMENSION = 4
_SHARES = 15  # points of the extrapolation
_SEED = 0


@dataclass(frozen=True)
class Gaussian:
    """Mean (D,) and a root (R, D) of the covariance, root.T @ root, in float64; R <= D."""

    mean: torch.Tensor
    root: torch.Tensor


@dataclass(frozen=True)
class Extrapolation:
    """The distance at infinitely many pictures, `value`, and the line that leads there.

    `points` are (1 / share of the pictures, distance between such shares of both sets).
    """

    value: float
    slope: float
    points: tuple[tuple[float, float], ...]


def gaussian(features: torch.Tensor) -> Gaussian:
    """Return the Gaussian of features (N, D). Raises ValueError for N < 2.

    The root is the R of a QR decomposition of the centred features. The covariance, whose condition
    number is the square of theirs, is never computed.
    """
    count = features.shape[0]
    if count < 2:
        raise ValueError(f"a covariance needs 2 pictures or more, there is {count}: add pictures")
    features = features.to(torch.float64)
    mean = features.mean(0)
    return Gaussian(mean, torch.linalg.qr((features - mean) / math.sqrt(count - 1), mode="r").R)


def frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """Return the squared Frechet (2-Wasserstein) distance, at least 0.

    With S = A.T @ A and T = B.T @ B, tr((S T)^(1/2)) is the sum of the singular values of
    A @ B.T: its squared singular values are the eigenvalues of S T. This holds for covariances
    of any rank and avoids the rounding errors of a matrix square root.
    """
    if first.mean.shape != second.mean.shape:
        raise ValueError(
            f"the features have {first.mean.numel()} and {second.mean.numel()} dimensions: "
            "compute both with the same extractor"
        )
    shift = (first.mean - second.mean).square().sum()
    traces = first.root.square().sum() + second.root.square().sum()
    overlap = torch.linalg.svdvals(first.root @ second.root.T).sum()
    return max(float(shift + traces - 2 * overlap), 0.0)


def can_extrapolate(first: torch.Tensor, second: torch.Tensor) -> bool:
    """Whether both sets (N, D) are large enough for `extrapolate`."""
    return min(len(first), len(second)) >= PICTURES_PER_DIMENSION * first.shape[1]


def extrapolate(first: torch.Tensor, second: torch.Tensor) -> Extrapolation:
    """Return the distance between features (N, D) and (M, D) as N and M grow without end.

    The distance is biased upwards by a/N + b/M + ... . So it is measured between random shares of
    both sets, from a half to all, and a line through these over 1/share is evaluated at 0. After
    Chong & Forsyth 2020 (arXiv 1911.07023), who take shares of the drawn pictures alone; here the
    real ones are a sample too. The estimate has no first-order bias, and may be negative.
    """
    generator = torch.Generator().manual_seed(_SEED)
    points = []
    for share in torch.linspace(0.5, 1.0, _SHARES).tolist():
        sides = (_share(side, share, generator) for side in (first, second))
        points.append((1 / share, frechet_distance(*map(gaussian, sides))))
    inverse, distances = torch.tensor(points, dtype=torch.float64).T
    centred = inverse - inverse.mean()
    slope = float((centred * distances).sum() / centred.square().sum())
    value = float(distances.mean()) - slope * float(inverse.mean())
    return Extrapolation(value, slope, tuple(points))


def _share(features: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
    chosen = torch.randperm(len(features), generator=generator)[: round(share * len(features))]
    return features[chosen]
