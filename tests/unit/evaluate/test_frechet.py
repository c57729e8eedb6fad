"""The Frechet distance against closed forms and against scipy's matrix square root."""

from __future__ import annotations

import pytest
import torch

from tipo_core.evaluate.frechet import (
    can_extrapolate,
    extrapolate,
    frechet_distance,
    gaussian,
)


def sample(mean: torch.Tensor, root: torch.Tensor, count: int, seed: int) -> torch.Tensor:
    """Features (count, D) whose own mean and unbiased covariance are `mean` and root @ root.T."""
    noise = torch.randn(
        count, root.shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    white = torch.linalg.qr(noise - noise.mean(0)).Q * (count - 1) ** 0.5
    return white @ root.T + mean


def random_root(seed: int, rank: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(6, rank, dtype=torch.float64, generator=generator)


def test_commuting_covariances_have_a_closed_form() -> None:
    rotation = torch.linalg.qr(random_root(3, 6)).Q
    one = torch.tensor([1.0, 2, 3, 4, 5, 6], dtype=torch.float64)
    two = torch.tensor([3.0, 1, 4, 2, 0, 7], dtype=torch.float64)
    mean = torch.arange(6, dtype=torch.float64)
    sides = [
        gaussian(sample(mean * k, rotation * roots, 40, k)) for k, roots in ((1, one), (2, two))
    ]
    # |mu|^2 = 55; the roots differ by 2, 1, 1, 2, 5 and 1.
    assert frechet_distance(*sides) == pytest.approx(55 + 4 + 1 + 1 + 4 + 25 + 1, rel=1e-10)


@pytest.mark.filterwarnings("ignore:Matrix is singular")
@pytest.mark.parametrize("ranks", [(6, 6), (6, 3), (2, 3), (1, 6)])
def test_other_covariances_are_as_scipy_says(ranks: tuple[int, int]) -> None:
    linalg = pytest.importorskip("scipy.linalg")
    zero = torch.zeros(6, dtype=torch.float64)
    roots = [random_root(seed, rank) for seed, rank in enumerate(ranks)]
    first, second = (sample(zero, root, 30, seed) for seed, root in enumerate(roots))
    one, two = (torch.cov(side.T) for side in (first, second))
    root = linalg.sqrtm((one @ two).numpy())
    wanted = float(one.trace() + two.trace()) - 2 * root.trace().real
    found = frechet_distance(gaussian(first), gaussian(second))
    # A matrix square root keeps half of the digits where the rank is not full.
    assert found == pytest.approx(wanted, rel=1e-10 if ranks == (6, 6) else 1e-5)


def test_torchmetrics_agrees() -> None:
    image = pytest.importorskip("torchmetrics.image.fid")
    zero = torch.zeros(6, dtype=torch.float64)
    first, second = (sample(zero, random_root(seed, 6), 30, seed) for seed in (1, 2))
    wanted = image._compute_fid(
        first.mean(0), torch.cov(first.T), second.mean(0), torch.cov(second.T)
    )
    found = frechet_distance(gaussian(first), gaussian(second))
    assert found == pytest.approx(float(wanted), rel=1e-8)


@pytest.mark.parametrize("count", [4, 100])  # fewer and more pictures than dimensions
def test_a_set_is_at_no_distance_from_itself(count: int) -> None:
    features = torch.randn(count, 8, generator=torch.Generator().manual_seed(1))
    shuffled = features.flip(0)
    assert frechet_distance(gaussian(features), gaussian(shuffled)) < 1e-12
    moved = frechet_distance(gaussian(features), gaussian(features + 2))
    assert moved == pytest.approx(8 * 2**2, rel=1e-6)


def test_the_bias_of_small_sets_is_extrapolated_away() -> None:
    generator = torch.Generator().manual_seed(7)
    first, second = (torch.randn(160, 16, generator=generator) for _ in range(2))
    second += 0.5  # the true distance is 16 * 0.5^2 = 4
    line = extrapolate(first, second)
    biased = frechet_distance(gaussian(first), gaussian(second))
    assert line.points[-1] == pytest.approx((1.0, biased))
    assert abs(line.value - 4) < abs(biased - 4) / 2
    assert line.value + line.slope * 1.5 == pytest.approx(biased + line.slope / 2, rel=0.05)
    assert extrapolate(first, second) == line  # the shares are the same each time


def test_what_cannot_be_measured() -> None:
    few = torch.zeros(1, 3)
    with pytest.raises(ValueError, match="2 pictures or more, there is 1"):
        gaussian(few)
    with pytest.raises(ValueError, match="3 and 4 dimensions: compute both with the same"):
        frechet_distance(gaussian(torch.rand(5, 3)), gaussian(torch.rand(5, 4)))
    assert can_extrapolate(torch.zeros(16, 4), torch.zeros(20, 4))
    assert not can_extrapolate(torch.zeros(16, 4), torch.zeros(15, 4))
