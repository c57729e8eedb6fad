"""Biases of tags, fitted so that each tag is as frequent in drawn sets as in real pictures.

A tag's weight alone does not determine its frequency: related tags raise it, and groups of
exclusive tags lower it. So each round draws sets, compares the share of sets with each tag with the
wanted share, and corrects the biases. The share is the sum of the probabilities at every draw,
because rare tags are hardly ever drawn.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np

from .tag_sets import Start, TagSampler, TagStatistics

log = logging.getLogger("tipo-suite")

ROUNDS = 28
# Sets drawn per round.
_SETS = 768
# Share of the error of a log frequency that a round corrects; half of it in the second half.
_STEP = 0.8
# Limits, in log units, of one correction and of the distance from the log of the wanted share.
_LARGEST_STEP = 1.0
_LARGEST_BIAS = 6.0
# The shares of a group of exclusive tags cannot sum to more than 1.
_FULL = 0.95


def wanted_shares(statistics: TagStatistics, people: bool, mean: float) -> np.ndarray:
    """Return the wanted share (`N`) of sets with each tag, for `mean` tags per set.

    A tag with share p of real pictures gets 1 - (1 - p)^c; c makes the sum equal `mean` and is at
    most 1. So no tag is more frequent than in real pictures, and a set ends before it has `mean`
    tags where real ones do. Without people, p is the share among pictures with scenery, animal or
    still life, from the listed pairs.
    """
    share = statistics.share.copy()
    share[statistics.counts_people] = 0
    if people:
        # About a tenth of the pictures shows nobody.
        share = np.minimum(share / 0.9, 0.9)
    else:
        share[~statistics.is_scene] = 0
        known = statistics.index
        starts = [known[name] for name in ("scenery", "animal", "still life") if name in known]
        if starts:
            share = np.mean([share * np.exp(statistics.trained_lift[n]) for n in starts], axis=0)
        share = np.minimum(share, 0.9)
    groups = {name for name in statistics.groups if name}
    members = [np.array([g == name for g in statistics.groups]) for name in sorted(groups)]

    def scaled(c: float) -> np.ndarray:
        out: np.ndarray = 1 - (1 - share) ** c
        for member in members:
            total = out[member].sum()
            if total > _FULL:
                out[member] *= _FULL / total
        return out

    low, high = 0.01, 1.0
    for _ in range(60):
        c = (low * high) ** 0.5
        low, high = (c, high) if scaled(c).sum() < mean else (low, c)
    return scaled(low)


def fit_biases(
    statistics: TagStatistics,
    starts: Callable[[np.random.Generator, bool, int], Sequence[Start]],
    seed: int,
    rounds: int = ROUNDS,
    sets: int = _SETS,
) -> np.ndarray:
    """Return the biases (`2, N`) for pictures without people and with, see `TagSampler`.

    `starts(rng, people, count)` returns the first tags of `count` pictures.
    """
    rng = np.random.default_rng(seed)
    biases = np.zeros((2, len(statistics.names)), dtype=np.float32)
    for people in (False, True):
        first = starts(rng, people, 4 * sets)
        mean = sum(max(0, one.size - len(one.tags)) for one in first) / len(first)
        wanted = wanted_shares(statistics, people, mean)
        bias = biases[int(people)]
        origin = np.log(np.maximum(wanted, 1e-9)).astype(np.float32)
        bias[:] = origin
        if not rounds:
            continue
        settled_bias = np.zeros_like(bias)
        last = max(1, rounds // 3)
        for number in range(rounds):
            found = drawn_shares(statistics, biases, starts(rng, people, sets), rng)
            settled = number >= rounds // 2
            step = (_STEP / 2 if settled else _STEP) * np.log(
                np.maximum(wanted, 1e-9) / np.maximum(found, 1e-9)
            )
            step = np.clip(step, -_LARGEST_STEP, _LARGEST_STEP)
            bias[:] = np.clip(bias + step, origin - _LARGEST_BIAS, origin + _LARGEST_BIAS)
            if number >= rounds - last:
                settled_bias += bias / last
        # The mean over the last rounds averages out the noise.
        bias[:] = settled_bias
        found = drawn_shares(statistics, biases, first, rng)
        used = (wanted > 1e-4) & (found > 0)
        error = np.abs(np.log(found[used] / wanted[used]))
        log.info(
            "tag shares %s people: off by %.0f %% in the median, %.0f %% at the 95th percentile",
            "with" if people else "without",
            100 * np.median(error),
            100 * np.quantile(error, 0.95),
        )
    return biases


def drawn_shares(
    statistics: TagStatistics,
    biases: np.ndarray,
    starts: Sequence[Start],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the share (`N`) of sets from `starts` in which each tag was drawn."""
    sampler = TagSampler(statistics, biases, rng)
    total = np.zeros(len(statistics.names), dtype=np.float64)

    def watch(rows: np.ndarray, chances: np.ndarray) -> None:
        nonlocal total
        total += chances.sum(axis=0)

    sampler.grow_many(starts, watch)
    return total / len(starts)
