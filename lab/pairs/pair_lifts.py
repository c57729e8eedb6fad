"""Count pairs in several corpora and merge their shrunk log lifts into one table.

For one corpus of N pictures,

    lift(i, j) = log((n(i, j) + k) / (n(i) n(j) / N + k)),

so that k pictures of chance pull a small count towards 0. The lifts of the corpora are averaged
with the weights n / (n + 4 k), n the pictures with both. A pair needs `LEAST` pictures in one
corpus. A pair that captions should show by chance but do not is negative; tag lists hold only their
largest counts, so that a pair missing there is unknown.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from tipo_core.prompt.vocabulary.pairs import (
    KINDS,
    LIFT_UNITS,
    NO_SHARE,
    PERSONS,
    SHARE_UNITS,
    WRITTEN,
    PairTable,
)

Key = tuple[str, str]

# Pictures of a pair, and pictures of chance added to count and expectation.
LEAST = {"tags": 150, "texts": 8}
CHANCE = {"tags": 60.0, "texts": 3.0}
# Expected pictures without a pair that make the pair negative.
_EXPECTED_WITHOUT = 10.0
# Smaller lifts say nothing.
_LEAST_LIFT = 0.35
# Lift of words that no picture has together.
NEVER_LIFT = -6.0
LARGEST_LIFT = 6.3
# Pairs kept of one entry.
_MOST_PAIRS = 150


@dataclass
class Corpus:
    """Counts of one corpus: `bit` is its bit in a pair's sources."""

    bit: int
    unit: str  # of LEAST and CHANCE
    pictures: float
    counts: Mapping[str, float]
    pairs: Mapping[Key, float]
    knows_missing: bool = False

    def lift(self, key: Key, count: float) -> float:
        """Return the shrunk log lift of a pair with a count."""
        expected = self.counts[key[0]] * self.counts[key[1]] / self.pictures
        chance = CHANCE[self.unit]
        return math.log((count + chance) / (expected + chance))


@dataclass
class Merged:
    """The log lift and the sources of each directed pair."""

    lifts: dict[Key, float] = field(default_factory=dict)
    sources: dict[Key, int] = field(default_factory=dict)

    def set_pair(self, one: str, other: str, lift: float, sources: int) -> None:
        """Set one direction of a pair."""
        self.lifts[one, other] = lift
        self.sources[one, other] = self.sources.get((one, other), 0) | sources


def count_sets(
    sets: Iterable[tuple[Iterable[str], float]],
) -> tuple[dict[str, float], dict[Key, float]]:
    """Count words and sorted pairs of words in sets with weights."""
    counts: dict[str, float] = defaultdict(float)
    pairs: dict[Key, float] = defaultdict(float)
    for words, weight in sets:
        ordered = sorted(set(words))
        for word in ordered:
            counts[word] += weight
        for pair in combinations(ordered, 2):
            pairs[pair] += weight
    return counts, pairs


def merge(corpora: Iterable[Corpus], left_out: frozenset[Key]) -> Merged:
    """Return the merged lifts of the counted pairs, in both directions."""
    sums: dict[Key, tuple[float, float, int]] = defaultdict(lambda: (0.0, 0.0, 0))
    for corpus in corpora:
        for key, count in corpus.pairs.items():
            if key in left_out or count < LEAST[corpus.unit]:
                continue
            weight = count / (count + 4 * CHANCE[corpus.unit])
            total, weights, bits = sums[key]
            sums[key] = (
                total + weight * corpus.lift(key, count),
                weights + weight,
                bits | corpus.bit,
            )
        if corpus.knows_missing:
            _add_missing(corpus, sums)
    merged = Merged()
    for (one, other), (total, weights, bits) in sums.items():
        lift = total / weights
        if abs(lift) >= _LEAST_LIFT:
            merged.set_pair(one, other, lift, bits)
            merged.set_pair(other, one, lift, bits)
    return merged


def _add_missing(corpus: Corpus, sums: dict[Key, tuple[float, float, int]]) -> None:
    """Add negative lifts of common words that the corpus never or rarely has together."""
    common = sorted(
        (word for word, count in corpus.counts.items()
         if count * max(corpus.counts.values()) / corpus.pictures >= _EXPECTED_WITHOUT)
    )  # fmt: skip
    for key in combinations(common, 2):
        expected = corpus.counts[key[0]] * corpus.counts[key[1]] / corpus.pictures
        count = corpus.pairs.get(key, 0)
        if expected >= _EXPECTED_WITHOUT and count < LEAST[corpus.unit]:
            total, weights, bits = sums[key]
            sums[key] = (total + corpus.lift(key, count), weights + 1.0, bits | corpus.bit)


def build_table(
    merged: Merged,
    kinds: Mapping[str, str],
    shares: Mapping[str, tuple[float, float]],
    aliases: Mapping[str, str],
) -> PairTable:
    """Return the table of the entries in `kinds`. `shares` are those in tag lists and in texts."""
    names = sorted(kinds)
    number = {name: place for place, name in enumerate(names)}
    by_first: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for (one, other), lift in merged.lifts.items():
        if one in number and other in number:
            by_first[one].append((lift, other))
    starts, seconds, lifts, sources = array("I", [0]), array("H"), array("b"), bytearray()
    for name in names:
        for lift, other in _kept(name, by_first[name], merged, shares):
            seconds.append(number[other])
            lifts.append(round(max(-LARGEST_LIFT, min(LARGEST_LIFT, lift)) * LIFT_UNITS))
            sources.append(merged.sources[name, other])
        starts.append(len(seconds))
    spellings = {alias: number[name] for alias, name in aliases.items() if name in number}
    spellings.update(number)
    return PairTable(
        names=names,
        spellings=spellings,
        kinds=bytes(KINDS.index(kinds[name]) for name in names),
        tag_shares=bytes(_packed_share(shares[name][0]) for name in names),
        text_shares=bytes(_packed_share(shares[name][1]) for name in names),
        starts=starts,
        seconds=seconds,
        lifts=lifts,
        sources=bytes(sources),
        longest=max(spelling.count(" ") + 1 for spelling in spellings),
    )


def _kept(
    name: str,
    pairs: list[tuple[float, str]],
    merged: Merged,
    shares: Mapping[str, tuple[float, float]],
) -> list[tuple[float, str]]:
    """Return the pairs to keep, sorted by the second entry: written ones, then the likeliest."""
    by_hand = WRITTEN | PERSONS
    written = [pair for pair in pairs if merged.sources[name, pair[1]] & by_hand]
    counted = [pair for pair in pairs if not merged.sources[name, pair[1]] & by_hand]
    counted.sort(key=lambda pair: (-_worth(pair[0], max(shares[pair[1]])), pair[1]))
    return sorted(written + counted[:_MOST_PAIRS], key=lambda pair: pair[1])


def _worth(lift: float, share: float) -> float:
    """Return how much a pair tells: by its lift and the share of its second entry."""
    return abs(lift) + 0.5 * math.log(max(share, 1e-6))


def _packed_share(share: float) -> int:
    return NO_SHARE if share <= 0 else min(NO_SHARE - 1, round(-math.log(share) * SHARE_UNITS))
