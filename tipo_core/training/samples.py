"""Pictures that never were: tags, a caption and metadata that belong together.

Three sources, mixed: tag sets grown from statistics with captions written from them, photo
captions with the tags found in their own words, and the style phrases of image prompts.
"""

from __future__ import annotations

import gzip
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..expansion.tasks import Length
from ..prompt.safe_text import blocked_terms
from .captions import write_caption
from .tag_sets import TagSampler, TagStatistics

_PHOTO_SHARE = 0.3
_STYLE_SHARE = 0.15
# Person counts as they start a picture: tags, number of people, weight.
_CASTS: tuple[tuple[tuple[str, ...], int, float], ...] = (
    (("1girl", "solo"), 1, 40),
    (("1girl",), 1, 14),
    (("1boy", "solo"), 1, 9),
    (("1boy",), 1, 6),
    (("2girls", "multiple girls"), 2, 7),
    (("1boy", "1girl"), 2, 7),
    (("2boys", "multiple boys"), 2, 3),
    (("3girls", "multiple girls"), 3, 2),
    (("scenery",), 0, 6),
    (("animal",), 0, 3),
    (("still life",), 0, 3),
)
_PEOPLE_WORDS = {
    "woman": "1girl", "girl": "1girl", "lady": "1girl", "man": "1boy", "boy": "1boy",
    "guy": "1boy", "women": "2girls", "girls": "2girls", "men": "2boys", "boys": "2boys",
}  # fmt: skip
_QUALITY = (
    "masterpiece", "best quality", "amazing quality", "great quality", "good quality",
    "normal quality", "low quality",
)  # fmt: skip
_META = (
    "highres",
    "absurdres",
    "official art",
    "commentary",
    "scan",
    "photo",
    "highres, absurdres",
)
_RATINGS = ("safe", "general")
_SYLLABLES = "ka ri to mi na sel vor an be lu do fen gar hal is jor ko len mar nor".split()


@dataclass(frozen=True)
class Sample:
    """One picture in words: tags (counts first), caption sentences, metadata lines."""

    tags: tuple[str, ...]
    sentences: tuple[str, ...]
    meta: Mapping[str, str] = field(default_factory=dict)


def read_lines(path: Path) -> list[str]:
    """Return the clean, stripped lines of a gzipped text file."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        lines = (" ".join(line.split()) for line in stream)
        return [line for line in lines if line and not blocked_terms(line)]


class SampleSource:
    """Endless samples from the corpora in a folder; the same seed gives the same samples."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.statistics = TagStatistics(
            folder / "tags_general_sfw.csv.gz", folder / "tag_cooccurrence_sfw.csv.gz"
        )
        self.captions = [_as_sentence(line) for line in read_lines(folder / "captions_coco.txt.gz")]
        self.styles = _style_phrases(
            read_lines(folder / "prompts_diffusion.txt.gz"), self.captions, self.statistics.names
        )
        self.rng = random.Random(seed)
        self.sampler = TagSampler(self.statistics, np.random.default_rng(seed))

    def __iter__(self) -> Iterator[Sample]:
        while True:
            sample = self._photo() if self.rng.random() < _PHOTO_SHARE else self._drawing()
            if sample is not None:
                yield sample

    def _size(self) -> int:
        """A number of tags, evenly over the length classes."""
        span = self.rng.choice(tuple(Length)).tags
        return self.rng.randint(span.least, span.most)

    def _drawing(self) -> Sample | None:
        cast, people, _ = self.rng.choices(_CASTS, weights=[weight for *_, weight in _CASTS])[0]
        tags = self.sampler.grow(cast, self._size(), people)
        return self._finish(tags, len(cast), [])

    def _photo(self) -> Sample | None:
        caption = self.rng.choice(self.captions)
        found = tags_in_words(caption, self.statistics.index)
        casts = [tag for tag in found if re.match(r"^\d", tag)]
        people = sum(int(tag[0]) for tag in casts)
        if len(found) < 2:
            return None
        start = casts + [tag for tag in found if tag not in casts]
        if self.rng.random() < 0.5:
            start.append("realistic")
        tags = self.sampler.grow(start, max(len(start), self._size()), people)
        return self._finish(tags, len(casts), [caption])

    def _finish(self, tags: Sequence[str], counts: int, first: list[str]) -> Sample | None:
        head, rest = list(tags[:counts]), list(tags[counts:])
        self.rng.shuffle(rest)
        sentences = first + write_caption([*head, *rest], self.rng)
        if self.rng.random() < _STYLE_SHARE:
            rest = rest[: max(2, len(rest) - 6)] + list(self.rng.choice(self.styles))[:6]
            rest = list(dict.fromkeys(rest))
        sentences = list(dict.fromkeys(sentences))
        if blocked_terms(" | ".join([*head, *rest, *sentences])):
            return None
        return Sample(tuple(head + rest), tuple(sentences), self._meta())

    def _meta(self) -> dict[str, str]:
        rng = self.rng
        meta = {"rating": rng.choice(_RATINGS)}
        if rng.random() < 0.7:
            meta["quality"] = ", ".join(rng.sample(_QUALITY[:5], rng.randint(1, 2)))
        elif rng.random() < 0.3:
            meta["quality"] = rng.choice(_QUALITY[5:])
        if rng.random() < 0.5:
            meta["meta"] = rng.choice(_META)
        if rng.random() < 0.7:
            meta["aspect ratio"] = f"{rng.choice((0.5, 0.6, 0.7, 0.8, 1.0, 1.3, 1.5, 1.8)):.1f}"
        return meta


def made_up_name(rng: random.Random) -> str:
    """Return a name that belongs to nobody, for the metadata lines of artists and characters."""
    return " ".join("".join(rng.sample(_SYLLABLES, 2)) for _ in range(rng.randint(1, 2)))


def tags_in_words(caption: str, known: Mapping[str, int]) -> list[str]:
    """Return the tags that stand in the caption's own words, longest first at each place.

    Plurals are tried in the singular; people become person counts.
    """
    words = re.findall(r"[a-z][a-z'-]*", caption.lower())
    found: list[str] = []
    place = 0
    while place < len(words):
        for length in (3, 2, 1):
            phrase = " ".join(words[place : place + length])
            singular = re.sub(r"(?<=[^s])s$", "", phrase)
            name = next((name for name in (phrase, singular) if name in known), "")
            if name and len(words) >= place + length:
                found.append(name)
                place += length - 1
                break
        else:
            if words[place] in _PEOPLE_WORDS:
                found.append(_PEOPLE_WORDS[words[place]])
        place += 1
    found = list(dict.fromkeys(found))
    for one, several in (("1girl", "2girls"), ("1boy", "2boys")):
        if several in found and one in found:
            found.remove(one)
    return found


def _as_sentence(line: str) -> str:
    line = line[0].upper() + line[1:]
    return line if line.endswith((".", "!", "?")) else line + "."


def _style_phrases(
    prompts: Sequence[str], captions: Sequence[str], names: Sequence[str]
) -> list[tuple[str, ...]]:
    """Return the phrases that many prompts share, a tuple a prompt, names of people left out.

    A phrase is kept when it is common and all its words are ordinary ones, that is, words of the
    photo captions, of the tags, or of the small list below.
    """
    words = Counter(word for line in captions for word in re.findall(r"[a-z]+", line.lower()))
    ordinary = {word for word, count in words.items() if count >= 3}
    ordinary |= {word for name in names for word in re.findall(r"[a-z]+", name)}
    ordinary |= set(
        """digital painting cinematic lighting detailed highly intricate sharp focus concept art
        illustration volumetric render smooth realistic hyperrealistic photorealistic dramatic
        ultra elegant ambient atmospheric colors vibrant studio""".split()
    )
    split = [[part.strip().lower() for part in line.split(",")] for line in prompts]
    common = {
        phrase
        for phrase, count in Counter(part for parts in split for part in parts).items()
        if count >= 6 and 1 < len(phrase.split()) <= 4
        and "by" not in phrase.split()
        and all(word in ordinary for word in phrase.split())
    }  # fmt: skip
    kept = [tuple(dict.fromkeys(part for part in parts if part in common)) for parts in split]
    return [phrases for phrases in kept if len(phrases) >= 2]
