"""The texts that training prompts are made of, read from the corpora."""

from __future__ import annotations

import csv
import gzip
import json
import random
import re
from collections import Counter
from itertools import accumulate, chain, product
from pathlib import Path
from typing import Any

from tipo_core.prompt.vocabulary.blocklist import blocklist_matches
from tipo_core.prompt.vocabulary.names import name_category
from tipo_core.prompt.vocabulary.tags import canonical

from .labelled_prompts import DIFFUSION_LABELS
from .mixed_prompts import is_held_out, is_sentence
from .word_lists import words

_CLAUSE = re.compile(r"\b(?:is|are|has|was|were|wears|holds|sits|stands|looks)\b")
_KNOWN_PIECE = 3  # prompts that share a piece, for a piece that is surely a tag


class TrainingLists:
    """The texts that prompts are made of."""

    def __init__(self, folder: Path) -> None:
        self.tags: list[str] = []
        weights = []
        for row in _objects(folder / "danbooru_tags.jsonl.gz"):
            if not blocklist_matches(row["tag"]):
                self.tags.append(row["tag"])
                weights.append(row["count"] ** 0.5)
        self._tag_weights = list(accumulate(weights))
        names = known_names()
        self.artists = names["artist"]
        self.names: list[list[str]] = [names["artist"], names["characters"], names["copyrights"]]
        self.people = [name.title() for name in names["characters"] if " " in name]
        self.authors = [
            f"{first} {last}".title()
            for first, last in product(words("western_names"), words("western_surnames"))
        ]
        self.styles: list[str] = []
        self.things: list[str] = []
        for row in _objects(folder / "vocabularies.jsonl.gz"):
            clean = [tag for tag in row["tags"] if not blocklist_matches(tag)]
            (self.styles if row["list"] == "flavors" else self.things).extend(clean)
        translated = list(_rows(folder / "tag_translations_sfw.csv.gz"))
        self.foreign = {
            language: [row[column].strip() for row in translated if row[column].strip()]
            for language, column in (("zh", 3), ("tw", 4), ("ja", 5), ("ko", 6), ("ru", 7))
        }
        self.long = _texts(folder / "iiw_long_captions.jsonl.gz", "caption")
        self.long += _texts(folder / "short_to_long.jsonl.gz", "long")
        self.middle = _texts(folder / "unigen_prompts.jsonl.gz", "caption")
        self.middle += _texts(folder / "gecko_s_prompts.jsonl.gz", "prompt")
        coco = [" ".join(line.split()) for line in _lines(folder / "captions_coco.txt.gz")]
        self.short = [line for line in coco if line and _may_train(line)]
        self.short += _texts(folder / "conceptual_captions_val.jsonl.gz", "caption")[:4000]
        labelled = {
            int(row.split()[0]) for row in DIFFUSION_LABELS.read_text().split("\n") if row
        }  # fmt: skip
        self.clauses = [
            line.rstrip(" .").lower()
            for line in self.short
            if len(line.split()) <= 8 and _CLAUSE.search(line.lower()) and "," not in line
        ]
        self.written = [
            " ".join(line.split())
            for number, line in enumerate(_lines(folder / "prompts_diffusion.txt.gz"))
            if number not in labelled and _may_train(line)
        ]
        self.sentences = [line for line in self.written if is_sentence(line)]
        counts = Counter(
            piece for line in self.written for piece in {p.strip() for p in line.split(",")[1:]}
        )
        self.sure = {piece for piece, count in counts.items() if count >= _KNOWN_PIECE}
        self.sure |= set(self.styles)
        self.artists += sorted(
            piece
            for piece in counts
            if 2 <= len(piece.split()) <= 3 and name_category(canonical(piece)) == "artist"
        )

    def tag(self, rng: random.Random) -> str:
        """A general tag, drawn by the square root of its frequency."""
        return rng.choices(self.tags, cum_weights=self._tag_weights)[0]


def known_names() -> dict[str, list[str]]:
    """Names of the shipped lists by category: combinations of common names that the lists have.

    The pack has fingerprints of the names, not their text.
    """
    japanese, western = (
        product(words("surnames"), words("given_names")),
        product(words("western_names"), words("western_surnames")),
    )
    syllables = words("syllables")
    handles = chain(product(syllables, repeat=2), product(syllables[::2], repeat=3))
    candidates = [" ".join(pair) for pair in chain(japanese, western)]
    candidates += ["".join(parts) for parts in handles]
    found: dict[str, list[str]] = {"artist": [], "characters": [], "copyrights": [], "meta": []}
    for name in dict.fromkeys(candidates):
        kind = name_category(name)
        if kind is not None and len(name) > 4:
            found[kind].append(name)
    series = words("series") + words("long_series")
    found["copyrights"] += [name for name in series if name_category(canonical(name)) is not None]
    return found


def _may_train(text: str) -> bool:
    return not is_held_out(text) and not blocklist_matches(text)


def _texts(path: Path, key: str) -> list[str]:
    texts = [" ".join(row[key].split()) for row in _objects(path)]
    return [text for text in texts if re.search(r"\w", text) and _may_train(text)]


def _lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return list(lines)


def _objects(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _lines(path)]


def _rows(path: Path) -> list[list[str]]:
    """The rows of a table without its header."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))[1:]
