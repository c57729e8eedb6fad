"""Overlap and variety, counted by hand."""

from __future__ import annotations

import pytest

from tipo_core.evaluate.text.overlap import (
    distinct_between_seeds,
    overlap_between_kinds,
    overlap_between_seeds,
    unshared_tags,
    widespread_tags,
)

from .hand_made import answer

CAT = answer("a cat", "window, Heart, curtains", kind="animal")
FOX = answer("a fox", "snow, heart", kind="animal")
LAKE = answer("a lake", "heart, mountain, scenery", kind="landscape")


def test_only_requests_of_different_kinds_are_compared() -> None:
    found = overlap_between_kinds([[CAT], [FOX], [LAKE]])
    # cat and lake share heart of 5 tags, fox and lake share heart of 4; cat and fox do not count
    assert found is not None and found.value == pytest.approx((1 / 5 + 1 / 4) / 2)
    assert overlap_between_kinds([[CAT], [FOX]]) is None


def test_answers_of_one_seed_are_compared() -> None:
    other_cat = answer("a cat", "heart, mountain, scenery", kind="animal", seed=1)
    other_lake = answer("a lake", "boat", kind="landscape", seed=1)
    found = overlap_between_kinds([[CAT, other_cat], [LAKE, other_lake]])
    assert found is not None and found.value == pytest.approx((1 / 5 + 0) / 2)


def test_variety_between_seeds() -> None:
    same = [answer("a cat", "window, sofa", seed=seed) for seed in range(2)]
    half = [answer("a fox", "snow, forest", seed=0), answer("a fox", "snow, den", seed=1)]
    overlap, distinct = overlap_between_seeds([same, half]), distinct_between_seeds([same, half])
    assert overlap is not None and overlap.value == pytest.approx((1 + 1 / 3) / 2)
    assert distinct is not None and distinct.value == pytest.approx((2 / 4 + 3 / 4) / 2)
    assert overlap_between_seeds([[CAT], [FOX]]) is None
    assert distinct_between_seeds([[CAT], [FOX]]) is None


def test_variety_between_requests() -> None:
    found = unshared_tags([[CAT], [FOX], [LAKE]])
    assert found is not None and found.value == pytest.approx((2 / 3 + 1 / 2 + 2 / 3) / 3)
    assert widespread_tags([[CAT], [FOX], [LAKE]])[0] == ("heart", 2, 3)
