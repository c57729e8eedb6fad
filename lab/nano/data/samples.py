"""Training samples of tipo-nano from public corpora: tags, a caption and metadata that agree.

Four sources are mixed: tag sets drawn from pair statistics with captions written from them, photo
captions with the tags that their words name, style phrases of image prompts, and the scenes that
toy-sd draws.
"""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from tipo_core.expansion.tasks import Length
from tipo_core.prompt.vocabulary.blocklist import blocklist_matches
from tipo_core.training.sample import Sample
from tipo_core.training.workers import pieces

from .captions import write_caption
from .corpora import as_sentence, is_held_out_text, read_lines, style_phrases, tags_in_words
from .tag_fit import ROUNDS, fit_biases
from .tag_sets import Start, TagSampler, TagStatistics
from .toy_scenes import toy_scene, toy_sentences, toy_tags

log = logging.getLogger("tipo-suite")

# Shares of all samples; the rest have drawn tag sets.
_TOY_SHARE = 0.15
_PHOTO_SHARE = 0.25
# Share of the samples other than toy-sd's that get style phrases.
_STYLE_SHARE = 0.15
# Drafts per block; the tag sets of a block are drawn together.
BLOCK = 512
_FIT_SEED = 20261125
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


@dataclass(frozen=True)
class _Draft:
    """A sample whose tags are not drawn yet; `counts` of its first tags are numbers of people."""

    start: Start
    counts: int
    first: tuple[str, ...]


class SampleSource:
    """Samples without end from the corpora in a folder; the same seed gives the same samples.

    With `held_out`, photo captions and toy-sd scenes are those that the training leaves out.
    `biases` (`2, N`) are the fitted log weights of the tags (`tag_fit.py`); None fits them here.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        held_out: bool = False,
        biases: np.ndarray | None = None,
        fit_rounds: int = ROUNDS,
    ) -> None:
        self.statistics = TagStatistics(
            folder / "tags_general_sfw.csv.gz", folder / "tag_cooccurrence_sfw.csv.gz"
        )
        lines = read_lines(folder / "captions_coco.txt.gz")
        self.captions = [as_sentence(line) for line in lines if is_held_out_text(line) == held_out]
        self.styles = style_phrases(
            read_lines(folder / "prompts_diffusion.txt.gz"), lines, self.statistics.names
        )
        self.seed = seed
        self.held_out = held_out
        if biases is None:
            biases = fit_biases(self.statistics, _starts, _FIT_SEED, fit_rounds)
        self.biases = biases

    def __iter__(self) -> Iterator[Sample]:
        for number in count():
            yield from self.block(number)

    def block(self, number: int) -> list[Sample]:
        """Return the samples of block `number`; they depend on the seed and the number alone."""
        rng = random.Random(f"samples {self.seed} {number}")
        sampler = TagSampler(
            self.statistics, self.biases, np.random.default_rng((self.seed, number))
        )
        drafts = [self._draft(rng) for _ in range(BLOCK)]
        starts = [draft.start for draft in drafts if isinstance(draft, _Draft)]
        grown = iter(sampler.grow_many(starts))
        samples = []
        for draft in drafts:
            if isinstance(draft, _Draft):
                sample = self._finish(next(grown), draft.counts, list(draft.first), rng)
            else:
                sample = _clean(draft)
            if sample is not None:
                samples.append(sample)
        return samples

    def _draft(self, rng: random.Random) -> _Draft | Sample:
        kind = rng.random()
        if kind < _TOY_SHARE:
            return self._toy(rng)
        if kind < _TOY_SHARE + _PHOTO_SHARE:
            return self._photo(rng)
        cast, people, _ = rng.choices(_CASTS, weights=[weight for *_, weight in _CASTS])[0]
        return _Draft(Start(cast, _size(rng), people), len(cast), ())

    def _photo(self, rng: random.Random) -> _Draft:
        found: list[str] = []
        while len(found) < 2:
            caption = rng.choice(self.captions)
            found = tags_in_words(caption, self.statistics.index)
        casts = [tag for tag in found if re.match(r"^\d", tag)]
        people = sum(int(tag[0]) for tag in casts)
        start = casts + [tag for tag in found if tag not in casts]
        if rng.random() < 0.5:
            start.append("realistic")
        size = max(len(start), _size(rng))
        return _Draft(Start(list(dict.fromkeys(start)), size, people), len(casts), (caption,))

    def _toy(self, rng: random.Random) -> Sample:
        of = toy_scene(rng, self.held_out)
        tags, sentences = toy_tags(of, rng), toy_sentences(of, rng)
        return Sample(tuple(tags), tuple(sentences), _meta(rng), in_order=True)

    def _finish(
        self, tags: Sequence[str], counts: int, first: list[str], rng: random.Random
    ) -> Sample | None:
        head, rest = list(tags[:counts]), list(tags[counts:])
        rng.shuffle(rest)
        sentences = first + write_caption([*head, *rest], rng)
        if rng.random() < _STYLE_SHARE:
            rest = rest[: max(2, len(rest) - 6)] + list(rng.choice(self.styles))[:6]
            rest = list(dict.fromkeys(rest))
        sentences = list(dict.fromkeys(sentences))
        return _clean(Sample(tuple(head + rest), tuple(sentences), _meta(rng)))


def _starts(rng: np.random.Generator, people: bool, total: int) -> list[Start]:
    """Return the first tags of `total` pictures with people or without, for `fit_biases`."""
    casts = [cast for cast in _CASTS if (cast[1] > 0) == people]
    weights = np.array([weight for *_, weight in casts], dtype=np.float64)
    picked = rng.choice(len(casts), size=total, p=weights / weights.sum())
    sizes = random.Random(int(rng.integers(2**62)))
    return [Start(tags, _size(sizes), number) for tags, number, _ in (casts[n] for n in picked)]


def _size(rng: random.Random) -> int:
    """Return a number of tags; every length class is equally likely."""
    span = rng.choice(tuple(Length)).tags
    return rng.randint(span.least, span.most)


def _clean(sample: Sample) -> Sample | None:
    """Return the sample, or None where a tag or sentence is on the block list."""
    return None if blocklist_matches(" | ".join((*sample.tags, *sample.sentences))) else sample


def _meta(rng: random.Random) -> dict[str, str]:
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


def make_samples(folder: Path, total: int, source: SampleSource, workers: int) -> list[Sample]:
    """Return the first `total` samples of `source`, whose corpora are in `folder`.

    `workers` processes share the work; their number does not change the samples. The log says how
    many drafts the block list rejected.
    """
    samples: list[Sample] = []
    drafts = 0
    for block in pieces(_blocks, (folder, source.seed, source.biases), workers):
        samples += block
        drafts += BLOCK
        if len(samples) >= total:
            break
    log.info("the block list left out %d of %d drafts", drafts - len(samples), drafts)
    return samples[:total]


def _blocks(folder: Path, seed: int, biases: np.ndarray) -> Callable[[int], list[Sample]]:
    return SampleSource(folder, seed, biases=biases).block
