"""95 % intervals: Wilson's for a share, a bootstrap over requests for a mean or a mean of pairs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

_Z = 1.959963984540054  # two-sided 95 % of a normal distribution
_RESAMPLES = 2000
_SEED = 20


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval, from `count` requests."""

    value: float
    low: float
    high: float
    count: int


def wilson(shares: Sequence[float]) -> Estimate | None:
    """Return the mean of `shares`, one in [0, 1] for each request, with Wilson's interval.

    A request is one trial, however many seeds its share is the mean of, because its seeds are no
    independent requests. None without requests. Source: Wilson 1927.
    """
    count = len(shares)
    if not count:
        return None
    share = math.fsum(shares) / count
    middle = share + _Z**2 / (2 * count)
    half = _Z * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    scale = 1 + _Z**2 / count
    low, high = (middle - half) / scale, (middle + half) / scale
    return Estimate(share, max(0.0, min(low, share)), min(1.0, max(high, share)), count)


def bootstrap_mean(values: Sequence[float]) -> Estimate | None:
    """Return the mean of `values`, one for each request, with its bootstrap interval."""
    given = np.asarray(values, dtype=np.float64)
    return _bootstrap(len(given), lambda weights: float(weights @ given / weights.sum()))


def bootstrap_pairs(values: np.ndarray, is_counted: np.ndarray) -> Estimate | None:
    """Return the mean over pairs of requests of `values` (`N, N`) where `is_counted` (`N, N`).

    The bootstrap draws requests, not pairs. No request is paired with itself.
    """
    counted = is_counted & ~np.eye(len(is_counted), dtype=bool)
    if not counted.any():
        return None
    kept = np.where(counted, values, 0.0)
    pairs = counted.astype(np.float64)

    def mean(weights: np.ndarray) -> float:
        total = float(weights @ pairs @ weights)
        return float(weights @ kept @ weights) / total if total else math.nan

    return _bootstrap(len(values), mean)


def _bootstrap(count: int, statistic: Callable[[np.ndarray], float]) -> Estimate | None:
    """Return `statistic` of the requests' weights: of weights 1, and of resampled requests."""
    if not count:
        return None
    random = np.random.default_rng(_SEED)
    draws = random.multinomial(count, np.full(count, 1 / count), size=_RESAMPLES)
    found = np.array([statistic(weights.astype(np.float64)) for weights in draws])
    low, high = np.nanquantile(found, (0.025, 0.975))
    return Estimate(statistic(np.ones(count)), float(low), float(high), count)
