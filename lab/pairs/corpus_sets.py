"""Sets of words that occur together: tag pairs, captions of one picture, subjects of artworks."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tipo_core.prompt.vocabulary.blocklist import blocklist_matches
from tipo_core.prompt.vocabulary.word_forms import singular_forms

# Rounded number of pictures that the tag counts come from; an error moves all lifts by one amount.
POSTS = 8_000_000
_WORD = re.compile(r"[a-z][a-z'-]*[a-z]|[a-z]")


@dataclass(frozen=True)
class TagCounts:
    """Pictures of each tag, of each pair of tags, and whether a tag is about a thing."""

    counts: dict[str, int]
    pairs: dict[tuple[str, str], int]
    is_thing: dict[str, bool]


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def read_tags(data: Path) -> TagCounts:
    """Read the tag list and the pairs, without blocked words."""
    counts: dict[str, int] = {}
    is_thing: dict[str, bool] = {}
    for row in read_rows(data / "danbooru_tags.jsonl.gz"):
        name = row["tag"]
        if re.search("[a-z]{3}", name) and not blocklist_matches(name):
            counts[name] = row["count"]
            is_thing[name] = row["thing"]
    pairs = {}
    for row in read_rows(data / "danbooru_pairs.jsonl.gz"):
        left, right = row["tags"]
        if left in counts and right in counts and left != right:
            pairs[min(left, right), max(left, right)] = row["count"]
    return TagCounts(counts, pairs, is_thing)


def caption_sets(data: Path) -> list[str]:
    """Return one text for each picture: all its captions, in lower case, without blocked ones."""
    texts = [row["captions"] for row in read_rows(data / "coco_five_captions.jsonl.gz")]
    for name in ("coco_more_captions", "conceptual_captions_val"):
        texts += [[row["caption"]] for row in read_rows(data / f"{name}.jsonl.gz")]
    return [
        " . ".join(text.lower() for text in captions if not blocklist_matches(text))
        for captions in texts
    ]


def artwork_sets(data: Path) -> list[tuple[list[str], int]]:
    """Return the subjects of artworks and labels of photos, with the number of pictures."""
    sets = []
    for name in ("tate_subjects", "openimages_tags"):
        for row in read_rows(data / f"{name}.jsonl.gz"):
            tags = [_turned(tag) for tag in row["tags"] if not blocklist_matches(tag)]
            # A few catalogue entries stand for hundreds of sketches of one tour.
            sets.append((tags, min(row["count"], 20)))
    return sets


def thing_pairs(data: Path) -> dict[tuple[str, str], int]:
    """Return the pictures of pairs of things, counted over several corpora."""
    found = {}
    for row in read_rows(data / "thing_pairs.jsonl.gz"):
        left, right = (_turned(tag) for tag in row["tags"])
        if not blocklist_matches(f"{left}, {right}"):
            found[min(left, right), max(left, right)] = row["count"]
    return found


def _turned(subject: str) -> str:
    """Return ``boat, sailing`` as ``sailing boat``."""
    head, comma, rest = subject.partition(", ")
    return f"{rest} {head}" if comma and " " not in rest else subject


class WordFinder:
    """Finds the entries that a text names, the longest match at each place."""

    def __init__(self, spellings: Iterable[str]) -> None:
        self.spellings = frozenset(spellings)
        self.longest = max(name.count(" ") + 1 for name in self.spellings)

    def find(self, text: str) -> set[str]:
        """Return the names in a lower-case text; plurals match in the singular."""
        found: set[str] = set()
        for part in text.split(" . "):
            words = _WORD.findall(part)
            place = 0
            while place < len(words):
                for length in range(min(self.longest, len(words) - place), 0, -1):
                    name = self.name(words[place : place + length])
                    if name:
                        found.add(name)
                        place += length - 1
                        break
                place += 1
        return found

    def name(self, words: list[str]) -> str:
        """Return the spelling of the words, the last of which may be a plural; "" if none."""
        start, last = " ".join(words[:-1]), words[-1]
        for form in (last, *singular_forms(last)):
            name = f"{start} {form}" if start else form
            if name in self.spellings:
                return name
        return ""


def caption_nouns(texts: Iterable[str], nouns: Iterable[str], least: int) -> Counter[str]:
    """Return the nouns that at least `least` pictures name, with their numbers of pictures."""
    finder = WordFinder(nouns)
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(finder.find(text))
    return Counter({name: count for name, count in counts.items() if count >= least})
