"""Training samples of tipo-nano from public corpora: tags, a caption and metadata that agree.

Four sources are mixed: captions that people wrote for photos, with the tags that their words name;
tag sets of drawn persons from pair statistics, and scenes from the pair table, both with captions
written from the tags; and the scenes that toy-sd draws, with a metadata line of their own.
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

from tipo_core.expansion.caption_rules.noun_phrases import bare
from tipo_core.expansion.caption_rules.person_captions import person_of, write_caption
from tipo_core.expansion.caption_rules.person_words import ROLES
from tipo_core.expansion.caption_rules.places import is_named_place, kind
from tipo_core.expansion.caption_rules.scene_captions import more_sentences
from tipo_core.prompt.vocabulary.blocklist import blocklist_matches
from tipo_core.prompt.vocabulary.pairs import shipped_pairs
from tipo_core.prompt.vocabulary.toy_words import TOY_ARTIST
from tipo_core.training.sample import Sample
from tipo_core.training.workers import pieces

from .corpora import read_lines, style_phrases
from .photo_captions import PhotoCaption, photo_captions
from .sample_subject import Subject, named_tags, read_nouns
from .tag_fit import ROUNDS, fit_biases
from .tag_sets import Start, TagSampler, TagStatistics
from .toy_scenes import toy_scene, toy_sentences, toy_tags
from .training_scenes import write_scene

log = logging.getLogger("tipo-suite")

# Shares of all samples; the rest have drawn persons.
_TOY_SHARE = 0.08
_PHOTO_SHARE = 0.42
_SCENE_SHARE = 0.2
# Share of the samples other than toy-sd's whose request has style phrases.
_STYLE_SHARE = 0.08
# Share of the samples without any metadata, as most requests are.
_NO_META_SHARE = 0.6
# Share of photo captions that begin with a small letter, as people type them.
_SMALL_LETTER_SHARE = 0.15
# Share of drawn persons with a role (a witch, a knight), and with a place.
_ROLE_SHARE, _PLACE_SHARE = 0.15, 0.4
# Share of the photo captions with a number of things that is left out.
_THING_COUNTS_LEFT_OUT = 0.8
_NUMBER = re.compile(r"\b(?:two|three|four|five|six|several|many|few|pair|couple)\b", re.IGNORECASE)
# Drafts per block; the tag sets of a block are drawn together.
BLOCK = 512
_FIT_SEED = 20261125
# Tags of a drawn set: small sets are the normal case.
_SIZES = (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20, 26)
# A subject needs this many pairs in the pair table to have a scene of its own.
_SUBJECT_PAIRS = 12
_SUBJECT_KINDS = frozenset("thing animal place nature food plant".split())
# Person counts as they start a picture: tags, number of people, weight.
_CASTS: tuple[tuple[tuple[str, ...], int, float], ...] = (
    (("1girl", "solo"), 1, 36),
    (("1girl",), 1, 10),
    (("1boy", "solo"), 1, 16),
    (("1boy",), 1, 10),
    (("2girls", "multiple girls"), 2, 7),
    (("1boy", "1girl"), 2, 7),
    (("2boys", "multiple boys"), 2, 5),
    (("3girls", "multiple girls"), 3, 2),
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
    """Drawn persons whose tags are not drawn yet; `counts` of the first tags are their number."""

    start: Start
    counts: int


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
        self.photos = photo_captions(folder, held_out)
        self.captions = [one for photo in self.photos for one in photo.sentences]
        self.nouns = read_nouns(folder)
        self.subjects = _subjects()
        self.places = [name for name in self.subjects if kind(name) == "place"]
        self.roles = sorted(name for name in ROLES if kind(name) == "person")
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
            sample = draft
            if isinstance(draft, _Draft):
                sample = self._persons(next(grown), draft.counts, rng)
            if isinstance(sample, Sample) and _is_clean(sample):
                samples.append(sample)
        return samples

    def _draft(self, rng: random.Random) -> _Draft | Sample | None:
        kind_of_sample = rng.random()
        if kind_of_sample < _TOY_SHARE:
            return self._toy(rng)
        if kind_of_sample < _TOY_SHARE + _PHOTO_SHARE:
            return self._photo(rng)
        if kind_of_sample < _TOY_SHARE + _PHOTO_SHARE + _SCENE_SHARE:
            return self._scene(rng)
        cast, people, _ = rng.choices(_CASTS, weights=[weight for *_, weight in _CASTS])[0]
        return _Draft(Start(cast, rng.choice(_SIZES), people), len(cast))

    def _photo(self, rng: random.Random) -> Sample | None:
        """Return a caption that a person wrote, the tags that it names, and some that fit."""
        if not self.photos:
            return None
        photo = rng.choice(self.photos)
        sentences = _some_sentences(photo, rng)
        tags = named_tags(sentences, self.nouns)
        subject = Subject(tags)
        # The tags do not say how many things there are.
        counts_things = _NUMBER.search(" ".join(sentences)) and not person_of(tags)
        if counts_things and rng.random() < _THING_COUNTS_LEFT_OUT:
            return None
        if len(tags) < 2 or not all(map(subject.fits, sentences)):
            return None
        for sentence in sentences:
            subject.take(sentence)
        subject.propose(rng.choice((0, 2, 4, 6, 8, 9)), rng.getrandbits(30))
        if not photo.is_long and rng.random() < 0.5:
            sentences += self._continued(subject, sentences, rng)
        others = [one for one in photo.sentences if one not in sentences]
        retold = (rng.choice(others),) if others and not photo.is_long else ()
        if rng.random() < _SMALL_LETTER_SHARE:
            sentences[0] = sentences[0][0].lower() + sentences[0][1:]
        return self._sample(subject.tags, sentences, retold, rng)

    def _continued(
        self, subject: Subject, sentences: Sequence[str], rng: random.Random
    ) -> list[str]:
        """Return sentences about the surroundings, after a caption that a person wrote."""
        person = person_of(subject.tags, rng)
        if person is None:
            things = [
                tag
                for wanted in ("animal", "food", "thing")
                for tag in subject.tags
                if kind(tag) == wanted and "ing" not in tag
            ]
            the, several = f"the {bare(things[0])}" if things else "it all", True
        else:
            the, several = person.object, person.plural
        return more_sentences(
            subject, the, sentences, rng.randint(1, 2), rng,
            is_wide=the == "it all", is_plural=several, is_person=person is not None,
        )  # fmt: skip

    def _scene(self, rng: random.Random) -> Sample | None:
        """Return a subject of the pair table, what goes with it, and a caption for both."""
        subject = Subject([rng.choice(self.subjects)])
        subject.propose(rng.randint(3, 10), rng.getrandbits(30))
        sentences = write_scene(subject, 1, rng.choice((1, 1, 2, 2, 3, 4)), rng)
        return self._sample(subject.tags, sentences, (), rng)

    def _toy(self, rng: random.Random) -> Sample:
        of = toy_scene(rng, self.held_out)
        tags, sentences = toy_tags(of, rng), toy_sentences(of, rng)
        meta = {"artist": TOY_ARTIST, **_meta(rng)}
        return Sample(tuple(tags), tuple(sentences), meta, in_order=True)

    def _persons(self, tags: Sequence[str], counts: int, rng: random.Random) -> Sample | None:
        """Return drawn persons with the tags drawn for them that agree, and a scene."""
        head, rest = list(tags[:counts]), list(tags[counts:])
        rng.shuffle(rest)
        more = rest[: rng.randint(0, 3)]
        if "solo" in head and rng.random() < _ROLE_SHARE:
            more.insert(0, rng.choice(self.roles))
        if rng.random() < _PLACE_SHARE:
            more.append(rng.choice(self.places))
        subject = Subject(head)
        subject.add(more)
        given = subject.tags
        subject = Subject(given)
        subject.propose(rng.choice((0, 1, 2, 3, 4, 4)), rng.getrandbits(30))
        subject.add(rest)
        sentences = write_caption(subject, rng.choice((1, 1, 2, 2, 3, 3, 4, 6)), rng)
        return self._sample(subject.tags, sentences, (), rng)

    def _sample(
        self, tags: Sequence[str], sentences: Sequence[str], retold: tuple[str, ...],
        rng: random.Random,
    ) -> Sample | None:  # fmt: skip
        if not sentences:
            return None
        typed: tuple[str, ...] = ()
        if rng.random() < _STYLE_SHARE:
            typed = tuple(one for one in rng.choice(self.styles)[:5] if one not in tags)
        return Sample(tuple(tags), tuple(sentences), _meta(rng), typed=typed, retold=retold)


def _subjects() -> list[str]:
    """Return the entries of the pair table that a picture without persons may be about."""
    table = shipped_pairs()
    return [
        name
        for entry, name in enumerate(table.names)
        if table.kind(entry) in _SUBJECT_KINDS and "(" not in name and not is_named_place(name)
        and sum(1 for _ in table.pairs(entry)) >= _SUBJECT_PAIRS
    ]  # fmt: skip


def _some_sentences(photo: PhotoCaption, rng: random.Random) -> list[str]:
    if photo.is_long:
        return list(photo.sentences[: rng.randint(1, 4)])
    return [rng.choice(photo.sentences)]


def _starts(rng: np.random.Generator, people: bool, total: int) -> list[Start]:
    """Return the first tags of `total` pictures with people or without, for `fit_biases`."""
    casts = [cast for cast in _CASTS if (cast[1] > 0) == people] or [((), 0, 1.0)]
    weights = np.array([weight for *_, weight in casts], dtype=np.float64)
    picked = rng.choice(len(casts), size=total, p=weights / weights.sum())
    sizes = random.Random(int(rng.integers(2**62)))
    return [
        Start(tags, sizes.choice(_SIZES), number) for tags, number, _ in (casts[n] for n in picked)
    ]


def _is_clean(sample: Sample) -> bool:
    """Return whether no tag or sentence is on the block list."""
    texts = (*sample.tags, *sample.typed, *sample.sentences, *sample.retold)
    return not blocklist_matches(" | ".join(texts))


def _meta(rng: random.Random) -> dict[str, str]:
    if rng.random() < _NO_META_SHARE:
        return {}
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
    many drafts had no fitting caption or were on the block list.
    """
    samples: list[Sample] = []
    drafts = 0
    for block in pieces(_blocks, (folder, source.seed, source.biases), workers):
        samples += block
        drafts += BLOCK
        if len(samples) >= total:
            break
    log.info("%d of %d drafts were left out", drafts - len(samples), drafts)
    return samples[:total]


def _blocks(folder: Path, seed: int, biases: np.ndarray) -> Callable[[int], list[Sample]]:
    return SampleSource(folder, seed, biases=biases).block
