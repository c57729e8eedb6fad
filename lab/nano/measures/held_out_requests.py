"""The requests that measure a small model, from samples that no training has seen."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tipo_core.expansion.format import Request
from tipo_core.expansion.request import ExpansionRequest
from tipo_core.expansion.tasks import Field, Length, Task
from tipo_core.prompt.vocabulary.toy_words import TOY_ARTIST
from tipo_core.training.records import make_record
from tipo_core.training.sample import Sample

from ...toy_sd.drawings.drawings import caption_prompt, scene, tag_prompt
from ...toy_sd.drawings.styles import STYLES
from ..data.samples import SampleSource
from ..data.tag_sets import TagStatistics

# A person types a few tags and a sentence or two.
_TYPED_TAGS = 6
# Rough tag shares are enough for requests, and fitting takes long.
_FIT_ROUNDS = 6
# A tag with fewer listed pairs has too little data for relevance.
_KNOWN_PAIRS = 10
_TOY = {"artist": TOY_ARTIST}


@dataclass(frozen=True)
class Asked:
    """The requests of an evaluation.

    `requests` cover all tasks and lengths evenly. `expansions` are short prompts as in a node,
    `toy` such prompts in toy-sd's words; `varied` are expanded to several variants. `continued` are
    tag lists, for relevance. `records` and `captions` are pairs of texts, for the perplexity of the
    second one.
    """

    requests: Sequence[Request]
    continued: Sequence[Request]
    expansions: Sequence[ExpansionRequest]
    toy: Sequence[ExpansionRequest]
    varied: Sequence[ExpansionRequest]
    records: Sequence[tuple[str, str]]
    captions: Sequence[tuple[str, str]]
    source: SampleSource


@dataclass(frozen=True)
class Counts:
    """The number of requests of each kind."""

    requests: int = 2000
    continued: int = 600
    expansions: int = 100
    toy: int = 150
    varied: int = 400
    texts: int = 600


def ask(folder: Path, counts: Counts, seed: int) -> Asked:
    """Return the requests of an evaluation, from the corpora in `folder`."""
    rng = random.Random(seed)
    source = SampleSource(folder, seed, held_out=True, fit_rounds=_FIT_ROUNDS)
    samples = iter(source)
    plain = (sample for sample in samples if not sample.in_order)
    kinds = [(task, length) for length in Length for task in Task]
    records = [make_record(sample, rng) for sample in islice(samples, counts.texts)]
    captions = [rng.choice(source.captions) for _ in range(counts.texts)]
    return Asked(
        requests=[
            request_of(next(plain), *kinds[n % len(kinds)], rng) for n in range(counts.requests)
        ],
        continued=[
            # Real pictures have about as many tags as these two classes.
            _continued(next(plain), (Length.VERY_SHORT, Length.SHORT)[n % 2], source.statistics)
            for n in range(counts.continued)
        ],
        expansions=[_typed(next(plain), n, rng) for n in range(counts.expansions)],
        toy=[_typed_toy(n, rng) for n in range(counts.toy)],
        varied=[_typed(next(plain), n, rng) for n in range(counts.varied)],
        records=[(record.request, record.answer) for record in records],
        captions=[(f"target: {Task.SHORT_TO_LONG.token}\nshort:", f" {one}") for one in captions],
        source=source,
    )


def request_of(sample: Sample, task: Task, length: Length, rng: random.Random) -> Request:
    """Return the request that a user with this picture in mind might make."""
    short = sample.sentences[: rng.randint(1, 2)]
    long = sample.sentences[: rng.randint(1, length.sentences.most)]
    given = {
        Field.TAG: ", ".join(_some_tags(sample, rng)),
        Field.SHORT: " ".join(short),
        Field.LONG: " ".join(long),
    }
    first = task.fields[0]
    lines = [line for line in sample.meta.items() if rng.random() < 0.5]
    gen_meta = rng.random() < 0.3 and len(lines) < len(sample.meta)
    return Request(task, length, {first: given[first]}, dict(lines), gen_meta)


def _continued(sample: Sample, length: Length, statistics: TagStatistics) -> Request:
    """Return a request with the people of a picture and two tags that have listed pairs."""
    listed = statistics.is_listed.sum(axis=1)
    known = [
        tag
        for tag in sample.tags
        if tag in statistics.index and listed[statistics.index[tag]] >= _KNOWN_PAIRS
        and not statistics.counts_people[statistics.index[tag]]
    ]  # fmt: skip
    counts = [tag for tag in sample.tags if tag[:1].isdigit() or tag == "solo"]
    return Request(Task.TAGS, length, {Field.TAG: ", ".join(counts + known[:2])})


def _some_tags(sample: Sample, rng: random.Random) -> list[str]:
    counts = [tag for tag in sample.tags if tag[:1].isdigit() or tag == "solo"]
    general = [tag for tag in sample.tags if tag not in counts]
    return counts + general[: rng.randint(1, _TYPED_TAGS)]


def _typed(sample: Sample, number: int, rng: random.Random) -> ExpansionRequest:
    """Return an expansion to a short prompt of tags and caption."""
    tags = ", ".join(_some_tags(sample, rng))
    return ExpansionRequest(
        tags=tags, tag_length=Length.SHORT, caption_length=Length.SHORT, seed=number
    )


def _typed_toy(number: int, rng: random.Random) -> ExpansionRequest:
    """Return a user's prompt for toy-sd: a style, a style and some parts, or a sentence."""
    # All styles are equally frequent in each kind of request.
    kind, style = number % 3, tuple(STYLES)[number // 3 % len(STYLES)]
    of = scene(rng.getrandbits(40), (style,), test=True)
    if kind == 2:
        caption = caption_prompt(of, number).text
        return ExpansionRequest(
            caption=caption,
            tag_length=Length.VERY_SHORT,
            caption_length=None,
            seed=number,
            meta=_TOY,
        )
    tags = of.style if kind == 0 else ", ".join(tag_prompt(of, number).text.split(", ")[:3])
    return ExpansionRequest(
        tags=tags,
        tag_length=Length.VERY_SHORT,
        caption_length=Length.VERY_SHORT,
        seed=number,
        meta=_TOY,
    )
