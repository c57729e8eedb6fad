"""List frequent tag pairs that the exclusive slots call a contradiction.

The file of pairs has objects with two `tags` and a `count`, the file of tags objects with a `tag`
and its `count`.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tipo_core.prompt.vocabulary.slots import contradicting_slot

PICTURES = 8_000_000  # of the collection that was counted
SUPPORT = 150


@dataclass(frozen=True)
class Exceptions:
    """Frequent pairs that contradict, as lines with their counts; pairs and pictures looked at."""

    found: list[tuple[int, str]]
    pairs: int
    pictures: int

    @property
    def share(self) -> float:
        """The share of the pictures in the pairs that contradict."""
        return sum(count for count, _ in self.found) / max(1, self.pictures)


def exceptions(pairs_file: Path, tags_file: Path) -> Exceptions:
    """Return the pairs of 150 pictures or more, and of a positive lift, that contradict."""
    counts = {row["tag"]: row["count"] for row in _rows(tags_file)}
    found: list[tuple[int, str]] = []
    pairs = pictures = 0
    for row in _rows(pairs_file):
        (one, other), count = row["tags"], row["count"]
        lift = math.log(count * PICTURES / (counts[one] * counts[other]))
        if count < SUPPORT or lift <= 0:
            continue
        pairs += 1
        pictures += count
        slot = contradicting_slot(one, other)
        if slot is not None:
            found.append((count, f"{one} | {other} | {slot} | lift {lift:.2f}"))
    return Exceptions(sorted(found, reverse=True), pairs, pictures)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
