"""Tag sets: shares follow the counts, pairs the lifts; held-out pairs are not used."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lab.nano.data import tag_sets
from lab.nano.data.tag_fit import drawn_shares, fit_biases, wanted_shares
from lab.nano.data.tag_sets import POSTS, Start, TagSampler, TagStatistics, is_held_out


@pytest.fixture(scope="module")
def statistics(corpora: Path) -> TagStatistics:
    return TagStatistics(
        corpora / "tags_general_sfw.csv.gz", corpora / "tag_cooccurrence_sfw.csv.gz"
    )


def starts(rng: np.random.Generator, people: bool, count: int) -> list[Start]:
    cast = ["1girl", "solo"] if people else ["scenery"]
    return [Start(cast, int(size), int(people)) for size in rng.integers(4, 12, count)]


@pytest.fixture(scope="module")
def biases(statistics: TagStatistics) -> np.ndarray:
    return fit_biases(statistics, starts, 1, rounds=6, sets=128)


def test_a_lift_is_how_much_oftener_a_pair_is_than_by_chance(statistics: TagStatistics) -> None:
    ears, tail = statistics.index["cat ears"], statistics.index["cat tail"]
    by_chance = 500_000 * 400_000 / POSTS
    assert statistics.log_lift[ears, tail] == pytest.approx(math.log(300_000 / by_chance))
    assert statistics.log_lift[tail, ears] == statistics.log_lift[ears, tail]
    assert not statistics.is_listed[ears, statistics.index["hat"]]


def test_a_tenth_of_the_pairs_is_held_out_whichever_tag_is_first(
    statistics: TagStatistics, monkeypatch: pytest.MonkeyPatch, corpora: Path
) -> None:
    pairs = [(f"tag {n}", f"tag {m}") for n in range(50) for m in range(n)]
    share = sum(is_held_out(*pair) for pair in pairs) / len(pairs)
    assert 0.07 < share < 0.13
    assert all(is_held_out(one, two) == is_held_out(two, one) for one, two in pairs)
    monkeypatch.setattr(tag_sets, "is_held_out", lambda *_: True)
    held = TagStatistics(
        corpora / "tags_general_sfw.csv.gz", corpora / "tag_cooccurrence_sfw.csv.gz"
    )
    assert held.is_listed.any() and not held.trained_lift.any() and held.log_lift.any()


def test_fitted_sets_hold_each_tag_as_often_as_wanted(
    statistics: TagStatistics, biases: np.ndarray
) -> None:
    rng = np.random.default_rng(3)
    some = starts(rng, True, 1500)
    mean = sum(one.size - 2 for one in some) / len(some)
    wanted = wanted_shares(statistics, True, mean)
    assert wanted.sum() == pytest.approx(mean, rel=0.01)
    counted = Counter(
        tag for tags in TagSampler(statistics, biases, rng).grow_many(some) for tag in tags[2:]
    )
    for name in ("long hair", "smile", "shirt", "hat", "cat ears", "beach"):
        share = wanted[statistics.index[name]]
        tolerance = 4 * math.sqrt(share / len(some)) + 0.15 * share
        assert counted[name] / len(some) == pytest.approx(share, abs=tolerance), name


def test_the_summed_chances_are_the_shares_of_what_is_drawn(
    statistics: TagStatistics, biases: np.ndarray
) -> None:
    some = starts(np.random.default_rng(4), True, 800)
    shares = drawn_shares(statistics, biases, some, np.random.default_rng(5))
    sets = TagSampler(statistics, biases, np.random.default_rng(6)).grow_many(some)
    counted = Counter(tag for tags in sets for tag in tags[2:])
    for name in ("smile", "dress", "window"):
        assert shares[statistics.index[name]] == pytest.approx(counted[name] / 800, abs=0.06)


def test_pairs_that_go_together_are_drawn_together(
    statistics: TagStatistics, biases: np.ndarray
) -> None:
    sampler = TagSampler(statistics, biases, np.random.default_rng(0))

    def share(start: list[str]) -> float:
        sets = sampler.grow_many([Start(start, 6, 1)] * 300)
        return sum("reading" in tags for tags in sets) / len(sets)

    assert share(["1girl", "book"]) > 3 * share(["1girl", "hat"])


def test_sets_keep_their_start_their_size_and_to_one_of_a_group(
    statistics: TagStatistics, biases: np.ndarray
) -> None:
    sampler = TagSampler(statistics, biases, np.random.default_rng(0))
    several = sampler.grow_many([Start(["1boy", "solo"], size, 1) for size in (3, 9, 14)] * 40)
    for size, tags in zip((3, 9, 14) * 40, several, strict=True):
        assert tags[:2] == ["1boy", "solo"] and len(tags) == size
        assert len({"black hair", "blonde hair"} & set(tags)) <= 1
        assert len({"long hair", "short hair"} & set(tags)) <= 1
    boys = Counter(tag for tags in several for tag in tags)
    girls = Counter(
        tag for tags in sampler.grow_many([Start(["1girl", "solo"], 9, 1)] * 120) for tag in tags
    )
    assert girls["male focus"] == 0 < boys["male focus"]
    assert boys["dress"] < girls["dress"]


def test_no_people_means_scenes_only(statistics: TagStatistics, biases: np.ndarray) -> None:
    tags = TagSampler(statistics, biases, np.random.default_rng(0)).grow(["scenery"], 9, 0)
    assert not {"smile", "hat", "long hair", "1girl"} & set(tags)
