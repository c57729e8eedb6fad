"""Overlap of additions: between requests of different kinds, and between the seeds of one request.

The overlap of two answers is the Jaccard index of their added tags: tags in both, divided by tags
in either. Additions that do not depend on the request overlap between requests of different kinds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from statistics import fmean

import numpy as np

from ...prompt import canonical
from .answers import ExpandedText
from .intervals import Estimate, bootstrap_mean, bootstrap_pairs


def added_names(answer: ExpandedText) -> frozenset[str]:
    """Return the canonical names of an answer's added tags."""
    return frozenset(canonical(tag) for tag in answer.added_tags)


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Return the tags in both sets, divided by the tags in either; 0 for two empty sets."""
    either = len(first | second)
    return len(first & second) / either if either else 0.0


def overlap_between_kinds(groups: Sequence[Sequence[ExpandedText]]) -> Estimate | None:
    """Return the mean overlap of two requests of different kinds.

    `groups` holds the answers of each request. Answers of the same seed are compared. None without
    requests of two kinds.
    """
    count = len(groups)
    values = np.zeros((count, count))
    is_counted = np.zeros((count, count), dtype=bool)
    sets = [{answer.seed: added_names(answer) for answer in group} for group in groups]
    kinds = [group[0].request.kind for group in groups]
    for one, other in combinations(range(count), 2):
        common = sets[one].keys() & sets[other].keys()
        if kinds[one] != kinds[other] and common:
            value = fmean(jaccard(sets[one][seed], sets[other][seed]) for seed in common)
            values[one, other] = values[other, one] = value
            is_counted[one, other] = is_counted[other, one] = True
    return bootstrap_pairs(values, is_counted)


def overlap_between_seeds(groups: Sequence[Sequence[ExpandedText]]) -> Estimate | None:
    """Return the mean overlap of two seeds of one request; None with one seed."""
    found = []
    for group in groups:
        sets = [added_names(answer) for answer in group]
        if len(sets) > 1:
            found.append(fmean(jaccard(*pair) for pair in combinations(sets, 2)))
    return bootstrap_mean(found)


def distinct_between_seeds(groups: Sequence[Sequence[ExpandedText]]) -> Estimate | None:
    """Return the distinct added tags of a request's seeds, divided by all its added tags.

    With n seeds it is 1/n if every seed adds the same tags and 1 if no two share one. None with
    one seed.
    """
    found = []
    for group in groups:
        tags = [name for answer in group for name in added_names(answer)]
        if len(group) > 1 and tags:
            found.append(len(set(tags)) / len(tags))
    return bootstrap_mean(found)


def unshared_tags(groups: Sequence[Sequence[ExpandedText]]) -> Estimate | None:
    """Return the share of a request's added tags that no other request adds, first seeds alone."""
    sets = [added_names(group[0]) for group in groups]
    requests_of = Counter(name for names in sets for name in names)
    return bootstrap_mean(
        [fmean(requests_of[name] == 1 for name in names) for names in sets if names]
    )


def widespread_tags(
    groups: Sequence[Sequence[ExpandedText]], most: int = 12
) -> list[tuple[str, int, int]]:
    """Return the tags added to the most kinds: each tag, its kinds, its requests."""
    kinds: dict[str, set[str]] = {}
    requests: Counter[str] = Counter()
    for group in groups:
        for name in frozenset[str]().union(*map(added_names, group)):
            kinds.setdefault(name, set()).add(group[0].request.kind)
            requests[name] += 1
    order = sorted(kinds, key=lambda name: (-len(kinds[name]), -requests[name], name))
    return [(name, len(kinds[name]), requests[name]) for name in order[:most]]
