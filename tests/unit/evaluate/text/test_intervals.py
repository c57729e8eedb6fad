"""Intervals against published values, and against the normal law of a mean."""

from __future__ import annotations

import numpy as np
import pytest

from tipo_core.evaluate.text.intervals import bootstrap_mean, bootstrap_pairs, wilson


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_has_published_values(successes: int, count: int, low: float, high: float) -> None:
    found = wilson([1.0] * successes + [0.0] * (count - successes))
    assert found is not None and found.count == count
    assert found.value == pytest.approx(successes / count)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_seeds_of_a_request_do_not_narrow_the_interval() -> None:
    halves, ones = wilson([0.5] * 20), wilson([0.0] * 10 + [1.0] * 10)
    assert halves == ones
    assert wilson([]) is None


def test_the_bootstrap_of_a_mean_has_the_width_of_the_normal_law() -> None:
    values = np.random.default_rng(3).normal(2.0, 1.5, 400)
    found = bootstrap_mean(list(values))
    assert found is not None
    half = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(found.value - half, rel=0, abs=0.15 * half)
    assert found.high == pytest.approx(found.value + half, rel=0, abs=0.15 * half)
    assert bootstrap_mean([]) is None


def test_the_mean_of_pairs_leaves_out_those_that_do_not_count() -> None:
    values = np.array([[9.0, 0.5, 0.1], [0.5, 9.0, 0.3], [0.1, 0.3, 9.0]])
    counted = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 1]], dtype=bool)
    found = bootstrap_pairs(values, counted)
    assert found is not None and found.value == pytest.approx(0.2)
    assert 0.1 <= found.low <= found.high <= 0.3
    assert bootstrap_pairs(values, np.eye(3, dtype=bool)) is None


def test_the_bootstrap_of_pairs_draws_requests() -> None:
    """One request that overlaps with all others widens the interval: 39 of 780 pairs are its."""
    values = np.zeros((40, 40))
    values[0, :] = values[:, 0] = 1.0
    found = bootstrap_pairs(values, np.ones((40, 40), dtype=bool))
    assert found is not None and found.value == pytest.approx(39 / 780)
    # A resample without the request has 0; one with it twice has about twice the value.
    assert found.low == 0.0 and found.high > 0.09
