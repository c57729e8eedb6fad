"""Tag sets that look like those of real pictures, drawn from pair statistics.

A set grows tag by tag. The weight of a candidate is its own count times its lift with the tags
that are there already:  log w(t) = a log n(t) + sum_s log lift(s, t) / sqrt(k), where
lift(s, t) = n(s, t) N / (n(s) n(t)), k is the size of the set, and an unlisted pair has lift 1.
The sharpening a keeps the long tail of rare tags from filling the sets.
"""

from __future__ import annotations

import csv
import gzip
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..prompt.safe_text import blocked_terms
from .wording import SCENE_ASPECTS, Aspect, aspect, exclusive_group

# Pictures behind the counts; the lift of a pair depends on it only by a constant factor.
_POSTS = 8_000_000
_LARGEST_LOG_LIFT = 5.0
_SHARPENING = 1.15
_MALE = frozenset(("male focus", "faceless male", "old man", "facial hair", "beard", "mustache"))


def read_rows(path: Path) -> Iterator[list[str]]:
    """Yield the rows of a gzipped CSV file after its header."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        next(rows)
        yield from rows


class TagStatistics:
    """Counts of general tags and the log lift of their pairs (`N, N`, symmetric)."""

    def __init__(self, tags_file: Path, pairs_file: Path) -> None:
        counts = {
            name.replace("_", " "): int(count)
            for name, count in read_rows(tags_file)
            # Names in parentheses belong to series and characters; signs alone teach nothing.
            if "(" not in name and re.search("[a-z]{3}", name) and not blocked_terms(name)
        }
        self.names = list(counts)
        self.index = {name: number for number, name in enumerate(self.names)}
        self.log_count = np.log(np.array(list(counts.values()), dtype=np.float32))
        self.log_lift = np.zeros((len(counts), len(counts)), dtype=np.float32)
        for left, right, count in read_rows(pairs_file):
            i = self.index.get(left.replace("_", " "))
            j = self.index.get(right.replace("_", " "))
            if i is None or j is None or i == j:
                continue
            lift = math.log(int(count) * _POSTS) - float(self.log_count[i] + self.log_count[j])
            lift = max(-_LARGEST_LOG_LIFT, min(_LARGEST_LOG_LIFT, lift))
            self.log_lift[i, j] = self.log_lift[j, i] = lift
        self.aspects = [aspect(name) for name in self.names]
        groups = [exclusive_group(name) for name in self.names]
        self.groups = groups
        self.group_members = {
            group: np.array([n for n, other in enumerate(groups) if other == group])
            for group in set(groups)
            if group
        }
        self.counts_people = np.array([found is Aspect.COUNT for found in self.aspects])
        self.is_male = np.array([name in _MALE for name in self.names])
        self.is_scene = np.array([found in SCENE_ASPECTS for found in self.aspects])


class TagSampler:
    """Draws tag sets; every random choice comes from the generator given."""

    def __init__(self, statistics: TagStatistics, rng: np.random.Generator) -> None:
        self.statistics = statistics
        self.rng = rng

    def grow(self, start: Sequence[str], size: int, people: int) -> list[str]:
        """Return `start` and new tags up to `size`, in the order in which they were drawn.

        `people` is how many persons the picture shows: none limits the new tags to scenes, one
        allows a single hair colour, pose and so on.
        """
        known = self.statistics
        chosen = [known.index[name] for name in start if name in known.index]
        others = [name for name in start if name not in known.index]
        open_to = ~known.counts_people.copy()
        if people == 0:
            open_to &= known.is_scene
        if not any("boy" in name or "man" in name for name in start):
            open_to &= ~known.is_male
        room: dict[str, int] = {}
        lift = np.zeros(len(known.names), dtype=np.float32)
        for tag in chosen:
            lift += known.log_lift[tag]
            self._close(tag, open_to, room, people)
        while len(chosen) + len(others) < size and open_to.any():
            noise = self.rng.gumbel(size=len(known.names)).astype(np.float32)
            score = _SHARPENING * known.log_count + lift / math.sqrt(len(chosen) + 1) + noise
            tag = int(np.where(open_to, score, -np.inf).argmax())
            chosen.append(tag)
            lift += known.log_lift[tag]
            self._close(tag, open_to, room, people)
        return others + [known.names[tag] for tag in chosen]

    def _close(self, tag: int, open_to: np.ndarray, room: dict[str, int], people: int) -> None:
        """Take `tag`, and its group once that is full, out of the candidates."""
        open_to[tag] = False
        group = self.statistics.groups[tag]
        if group:
            room[group] = room.get(group, max(1, min(people, 2))) - 1
            if room[group] == 0:
                open_to[self.statistics.group_members[group]] = False
