"""Tag sets like those of real pictures, drawn from pair statistics.

Sets are drawn tag by tag. The weight of a candidate is its own bias times its lift with the tags
of the set so far:

    log w(t) = b(t) + d(k) sum_s log lift(s, t),   lift(s, t) = n(s, t) P / (n(s) n(t))

The sum runs over the tags s of the set, k is their number, and d(k) damps the lifts of many similar
tags (`lift_strength`). n counts the pictures with a tag or with both tags, P is the number of all
pictures. A pair without a count has lift 1. `tag_fit.py` fits the biases so that each tag is as
frequent in drawn sets as in the counts.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tipo_core.expansion.caption_rules.aspects import Aspect, aspect
from tipo_core.prompt.vocabulary.blocklist import blocklist_matches

from .exclusive_tags import SCENE_ASPECTS, exclusive_group

# Rounded number of pictures of the counts (P); an error scales all lifts by the same factor.
POSTS = 8_000_000
# Log lifts are clipped to plus or minus this.
LARGEST_LOG_LIFT = 5.0
# Sets drawn together: their weights fit the CPU's cache.
_AT_ONCE = 128
# One pair in ten is held out, to measure a model's knowledge of it.
_HELD_OUT_SHARE = 10
# Tags only for sets with a boy or a man.
_MALE = frozenset(("male focus", "faceless male", "old man", "facial hair", "beard", "mustache"))
# Words of tags that are rare with boys. The pair counts cannot show that, because they lack the
# most common tags, among them 1boy.
_GIRLISH = frozenset(
    """skirt dress bow ribbon twintails hairband hairclip frills serafuku lipstick maid scrunchie
    tiara drills bun braids ponytail petticoat veil tutu makeup bonnet headdress bowtie lace
    pigtails bracelet flower ornament girl girls""".split()
)
# Added to the log weight of such tags where the set has boys and no girls.
_GIRLISH_LOG_LIFT = -3.0
# Tags with this word are left out: most are harmless, but a model combines it with any clothes.
_UNWORN = "unworn"
# Of `lift_strength`; chosen so that pairs of every lift are nearly as frequent as in real pictures.
LIFT_DAMPING = 0.035


def read_rows(path: Path) -> Iterator[list[str]]:
    """Yield the rows of a gzipped CSV file after its header."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        next(rows)
        yield from rows


def is_held_out(left: str, right: str) -> bool:
    """Return whether the pair of tags is held out from the training, in either order."""
    joined = "|".join(sorted((left, right)))
    return hashlib.sha256(joined.encode()).digest()[0] % _HELD_OUT_SHARE == 0


class TagStatistics:
    """The share of pictures with each general tag (`N`), and the log lift of pairs (`N, N`).

    Both tables of lifts are symmetric. `log_lift` is 0 for pairs without a count; `trained_lift` is
    0 for held-out pairs too.
    """

    def __init__(self, tags_file: Path, pairs_file: Path) -> None:
        counts = {
            name.replace("_", " "): int(count)
            for name, count in read_rows(tags_file)
            # Parentheses name a series or character; names of signs, such as `:d`, teach no words.
            if "(" not in name
            and re.search("[a-z]{3}", name)
            and not blocklist_matches(name)
            and _UNWORN not in name.split("_")
        }
        self.names = list(counts)
        self.index = {name: number for number, name in enumerate(self.names)}
        self.share = np.array(list(counts.values()), dtype=np.float64) / POSTS
        log_share = np.log(self.share)
        self.log_lift = np.zeros((len(counts), len(counts)), dtype=np.float32)
        self.is_listed = np.zeros((len(counts), len(counts)), dtype=bool)
        self.is_held_out = np.zeros((len(counts), len(counts)), dtype=bool)
        for left, right, count in read_rows(pairs_file):
            i = self.index.get(left.replace("_", " "))
            j = self.index.get(right.replace("_", " "))
            if i is None or j is None or i == j:
                continue
            lift = math.log(int(count) / POSTS) - float(log_share[i] + log_share[j])
            lift = max(-LARGEST_LOG_LIFT, min(LARGEST_LOG_LIFT, lift))
            for pair in ((i, j), (j, i)):
                self.log_lift[pair] = lift
                self.is_listed[pair] = True
                self.is_held_out[pair] = is_held_out(self.names[i], self.names[j])
        self.trained_lift = np.where(self.is_held_out, np.float32(0), self.log_lift)
        self.aspects = [aspect(name) for name in self.names]
        self.groups = [exclusive_group(name) for name in self.names]
        self.counts_people = np.array([found is Aspect.COUNT for found in self.aspects])
        self.is_male = np.array([name in _MALE for name in self.names])
        self.is_girlish = np.array([bool(_GIRLISH & set(name.split())) for name in self.names])
        self.is_scene = np.array([found in SCENE_ASPECTS for found in self.aspects])


@dataclass(frozen=True)
class Start:
    """The first tags of a set, the number of tags that it gets in all, and its number of people."""

    tags: Sequence[str]
    size: int
    people: int

    @property
    def boys_only(self) -> bool:
        """Whether the first tags name boys and no girls."""
        return any("boy" in name for name in self.tags) and not any(
            "girl" in name for name in self.tags
        )

    @property
    def has_boys(self) -> bool:
        """Whether the first tags name a boy or a man."""
        return any("boy" in name or "man" in name for name in self.tags)


# Called with indices into the starts (`R`) and the probabilities of all tags (`R, N`).
Watch = Callable[[np.ndarray, np.ndarray], None]


class TagSampler:
    """Draws tag sets with the random numbers of `rng`.

    `biases` is `2, N`: the log weights of the tags in pictures without people and with.
    """

    def __init__(
        self, statistics: TagStatistics, biases: np.ndarray, rng: np.random.Generator
    ) -> None:
        self.statistics = statistics
        self.biases = biases.astype(np.float32)
        self.rng = rng
        names = sorted(set(statistics.groups) - {""})
        number = {name: place for place, name in enumerate(names)}
        self._group = np.array([number.get(name, -1) for name in statistics.groups])
        # `G, N`: 1 for the tags outside each group. They may still be drawn when the group is full.
        self._outside = (self._group[None, :] != np.arange(len(names))[:, None]).astype(np.float32)

    def grow(self, start: Sequence[str], size: int, people: int) -> list[str]:
        """Return one set, see `grow_many`."""
        return self.grow_many([Start(start, size, people)])[0]

    def grow_many(self, starts: Sequence[Start], watch: Watch | None = None) -> list[list[str]]:
        """Return for each start its tags and new ones up to its size, in the order drawn.

        Sets without people get only tags of scenes; sets of one person get one hair colour, one
        pose and so on. `watch(rows, probabilities)` is called at every draw with indices into
        `starts` and the probabilities of all tags (`rows, N`).
        """
        sets: list[list[str]] = [[] for _ in starts]
        by_size = sorted(range(len(starts)), key=lambda n: -starts[n].size)
        for first in range(0, len(starts), _AT_ONCE):
            self._grow_block(by_size[first : first + _AT_ONCE], starts, sets, watch)
        return sets

    def _grow_block(
        self,
        rows: list[int],
        starts: Sequence[Start],
        sets: list[list[str]],
        watch: Watch | None,
    ) -> None:
        """Draw the sets of `rows`, the largest first, tag by tag in all of them."""
        known = self.statistics
        base = np.stack([self._base(starts[row]) for row in rows])
        # `R, N` for R rows: 1 for the tags that a set may still get, else 0.
        is_open = np.stack([self._open(starts[row]) for row in rows])
        # `R, N`: sum of the log lifts with the tags of the set.
        lift = np.zeros_like(base)
        # `R, G`: number of tags that a set may still get from each group.
        room = np.empty((len(rows), len(self._outside)), dtype=np.int64)
        chosen = np.zeros(len(rows), dtype=np.int64)
        for place, row in enumerate(rows):
            start = starts[row]
            room[place] = max(1, min(start.people, 2))
            sets[row].extend(start.tags)
            for name in start.tags:
                if name in known.index:
                    self._add(np.array([place]), np.array([known.index[name]]), lift, is_open, room)
                    chosen[place] += 1
        wanted = np.array([starts[row].size for row in rows])
        have = np.array([len(sets[row]) for row in rows])
        while True:
            active = np.flatnonzero((have < wanted) & is_open.any(axis=1))
            if not len(active):
                return
            # 1) weight of every tag
            strength = lift_strength(chosen[active]).astype(np.float32)[:, None]
            weights = lift[active] * strength
            weights += base[active]
            np.exp(weights, out=weights)
            weights *= is_open[active]
            # 2) one draw per row
            total = np.cumsum(weights, axis=1)
            draws = self.rng.random(len(active), dtype=np.float32) * total[:, -1]
            tags = np.minimum((total <= draws[:, None]).sum(axis=1), len(known.names) - 1)
            if watch is not None:
                watch(np.array(rows)[active], weights / total[:, -1:])
            # 3) add it, and close the tags that it excludes; rounding may draw a closed tag
            fine = is_open[active, tags] > 0
            self._add(active[fine], tags[fine], lift, is_open, room)
            for place, tag in zip(active[fine], tags[fine], strict=True):
                sets[rows[place]].append(known.names[tag])
            chosen[active[fine]] += 1
            have[active[fine]] += 1

    def _base(self, start: Start) -> np.ndarray:
        """Return the log weights (`N`) before any lift."""
        base: np.ndarray = self.biases[min(start.people, 1)]
        if start.boys_only:
            base = base + _GIRLISH_LOG_LIFT * self.statistics.is_girlish
        return base

    def _open(self, start: Start) -> np.ndarray:
        """Return 1 for the tags (`N`) that may follow the first tags, else 0."""
        known = self.statistics
        is_open = ~known.counts_people
        if start.people == 0:
            is_open &= known.is_scene
        if not start.has_boys:
            is_open &= ~known.is_male
        return is_open.astype(np.float32)

    def _add(
        self,
        rows: np.ndarray,
        tags: np.ndarray,
        lift: np.ndarray,
        is_open: np.ndarray,
        room: np.ndarray,
    ) -> None:
        """Add one tag to each of `rows`; close the tag, and its group once that is full."""
        lift[rows] += self.statistics.trained_lift[tags]
        is_open[rows, tags] = 0
        groups = self._group[tags]
        grouped, groups = rows[groups >= 0], groups[groups >= 0]
        room[grouped, groups] -= 1
        full = room[grouped, groups] <= 0
        is_open[grouped[full]] *= self._outside[groups[full]]


def lift_strength(size: np.ndarray) -> np.ndarray:
    """Return d(k) = 1 / (1 + c (k - 1)) for sets of `size` tags (k); c is LIFT_DAMPING."""
    share: np.ndarray = 1 / (1 + LIFT_DAMPING * np.maximum(size - 1, 0))
    return share
