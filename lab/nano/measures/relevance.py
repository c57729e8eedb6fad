"""Relevance of added tags to the given ones.

The measure is the pointwise mutual information of two tags, log(n(s, t) N / (n(s) n(t))), from
counts of pairs. A pair that the file of pairs lacks counts as independent (0); pairs of two very
common tags, which the file leaves out, are not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data.tag_sets import TagStatistics

# Tags in more than one picture of a hundred; a missing pair of two such tags is not counted.
_COMMON = 0.01


@dataclass(frozen=True)
class Relevance:
    """Mean PMI, in nats, of given tags with others.

    `model`: with the tags that the model added. `real`: with the other tags of real pictures that
    have the given tag, weighted by their frequency. `shuffled`: with the tags that the model added
    for other requests. `given` is the number of given tags.
    """

    model: float
    real: float
    shuffled: float
    given: int

    @property
    def share_of_real(self) -> float:
        """The model's PMI as a share of that of real pictures."""
        return self.model / self.real if self.real else 0.0


class PairTable:
    """PMI of the pairs of `statistics`; `only_held_out` leaves the pairs of the training out."""

    def __init__(self, statistics: TagStatistics, only_held_out: bool) -> None:
        self.index = statistics.index
        self._pmi = statistics.log_lift
        common = statistics.share >= _COMMON
        listed = statistics.is_listed
        # `N, N`: the pairs that are counted.
        self._counted = listed | ~(common[:, None] & common[None, :])
        if only_held_out:
            self._counted &= ~listed | statistics.is_held_out
        self._counted &= ~statistics.counts_people[None, :]
        np.fill_diagonal(self._counted, False)
        self._share = statistics.share

    def mean(self, given: str, others: Sequence[str]) -> float | None:
        """Return the mean PMI of a tag with others; None where no pair of them counts."""
        here = self.index[given]
        places = [self.index[name] for name in dict.fromkeys(others) if name in self.index]
        places = [place for place in places if self._counted[here, place]]
        return float(self._pmi[here, places].mean()) if places else None

    def real(self, given: str) -> float:
        """Return the mean PMI of a tag with the other tags of real pictures.

        Tag t occurs in the share n(t) / N * lift(s, t) of the pictures that have tag s.
        """
        here = self.index[given]
        counted = self._counted[here]
        beside = np.minimum(self._share * np.exp(self._pmi[here].astype(np.float64)), 1.0) * counted
        return float((beside * self._pmi[here]).sum() / beside.sum())


def relevance(
    statistics: TagStatistics,
    answers: Sequence[tuple[Sequence[str], Sequence[str]]],
    only_held_out: bool = False,
) -> Relevance:
    """Return the relevance of answers: the given tags and the added ones of each.

    All given tags with a counted pair have equal weight. For `shuffled`, each answer takes the
    added tags of the next one. With `only_held_out`, no pair of the training counts.
    """
    table = PairTable(statistics, only_held_out)
    found: list[tuple[float, float, float]] = []
    for number, (given, added) in enumerate(answers):
        others = answers[(number + 1) % len(answers)][1]
        for name in given:
            if name not in table.index or statistics.counts_people[table.index[name]]:
                continue
            own = table.mean(name, [tag for tag in added if tag not in given])
            other = table.mean(name, [tag for tag in others if tag not in given])
            if own is not None and other is not None:
                found.append((own, table.real(name), other))
    if not found:
        return Relevance(0.0, 0.0, 0.0, 0)
    model, real, shuffled = np.mean(np.array(found), axis=0)
    return Relevance(float(model), float(real), float(shuffled), len(found))
