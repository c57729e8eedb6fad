"""Training records of TIPO: a sample becomes a request and the answer that completes it.

Follows the authors' recipe (arXiv 2411.08127): a random task, a random split of the tags, dropped
and shuffled metadata, and part of the records with the request masked out of the loss. A new
random record is made from a sample in every epoch.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lab.nano.data.samples import Sample, made_up_name

from ..expansion.format import render_target
from ..expansion.tasks import Field, Length, Task

DROP_ALL = 0.10
KEEP_SOME_META = 0.30
KEEP_META_LINE = 0.65
GEN_META = 0.30
MASK_REQUEST = 0.30
CAPTION_ONLY = 0.10
# Given tags are as few as a person types, or as many as a first pass has made.
FEW_GIVEN = 0.35

_MIX: tuple[tuple[Task, float], ...] = (
    (Task.SHORT_TO_TAG_TO_LONG, 0.16),
    (Task.SHORT_TO_LONG_TO_TAG, 0.16),
    (Task.TAG_TO_SHORT_TO_LONG, 0.16),
    (Task.TAG_TO_LONG, 0.18),
    (Task.LONG_TO_TAG, 0.1),
    (Task.SHORT_TO_TAG, 0.1),
    (Task.TAGS, 0.14),
)


@dataclass(frozen=True)
class Record:
    """`request + answer` is the text; with `masked` only the answer counts in the loss."""

    request: str
    answer: str
    masked: bool
    task: Task
    length: Length


def make_record(sample: Sample, rng: random.Random) -> Record:
    """Return one random record of `sample`."""
    if rng.random() < CAPTION_ONLY:
        task = Task.SHORT_TO_LONG
    else:
        task = rng.choices([task for task, _ in _MIX], weights=[share for _, share in _MIX])[0]
    length = _length_for(sample, task, rng)
    drop = rng.random() < DROP_ALL
    gen_meta = not drop and rng.random() < GEN_META
    given_meta, asked_meta = _split_meta(sample, rng, drop, gen_meta)
    texts = _field_texts(sample, task, length, rng)

    first, *rest = task.fields
    head = [f"{key}: {value}" for key, value in given_meta]
    head.append(render_target(task, length, bool(asked_meta)))
    lines = [f"{name.value}: {texts[name]}" for name in rest]
    lines += [f"{key}: {value}" for key, value in asked_meta]
    tail = "".join("\n" + line for line in lines)
    if task is Task.TAGS:
        heads = len(heads_and_general(sample)[0])
        # A style alone is asked to be filled; a number of people says too little.
        fewest = 0 if sample.in_order else 1
        given, added = _split_tags(texts[Field.TAG].split(", "), heads, fewest, drop, rng)
        request = "\n".join([*head, f"tag: {', '.join(given)}" if given else "tag:"])
        joint = ", " if given and added else " " if added else ""
        return _record(request, joint + ", ".join(added) + tail, task, length, rng)
    if drop:
        request = "\n".join([*head, f"{first.value}:"])
        return _record(request, f" {texts[first]}{tail}", task, length, rng)
    opening = f"{first.value}: {texts[first]}\n"
    request = "\n".join([*head, f"{opening}{rest[0].value}:"])
    return _record(request, tail.removeprefix(f"\n{rest[0].value}:"), task, length, rng)


def _record(request: str, answer: str, task: Task, length: Length, rng: random.Random) -> Record:
    return Record(request, answer, rng.random() < MASK_REQUEST, task, length)


def _length_for(sample: Sample, task: Task, rng: random.Random) -> Length:
    """A length class that the fields made by `task` can fill."""
    made = task.fields[1:] or task.fields
    fits = [
        length
        for length in Length
        if (Field.TAG not in made or len(sample.tags) >= length.tags.least)
        and (Field.LONG not in made or len(sample.sentences) >= length.sentences.least)
    ]
    if not fits:
        return Length.VERY_SHORT
    # Every sample fits the short classes and few the long ones: lean to the longest.
    return fits[-1] if rng.random() < 0.5 else rng.choice(fits)


def _field_texts(
    sample: Sample, task: Task, length: Length, rng: random.Random
) -> dict[Field, str]:
    sentences = list(sample.sentences)
    spread = length.sentences
    long = sentences[: min(len(sentences), rng.randint(spread.least, spread.most))]
    heads, general = heads_and_general(sample)
    tags = heads + general
    if not sample.in_order:
        rng.shuffle(general)
        if len(task.fields) > 1:
            # What the caption says is among the tags, however few of them there is room for.
            words = set(re.findall(r"[\w'-]+", " ".join(long).lower()))
            general.sort(key=lambda tag: not words.issuperset(tag.split()))
        tags = heads + general
    span = length.tags
    if Field.TAG in task.fields[1:] or task is Task.TAGS:
        tags = tags[: min(len(tags), rng.randint(span.least, span.most))]
    elif rng.random() < FEW_GIVEN and not sample.in_order:
        tags = tags[: len(heads) + rng.randint(1, max(2, len(general) // 3))]
    if not sample.in_order:
        shown = tags[len(heads) :]
        rng.shuffle(shown)
        tags = heads + shown
    short = _short_of(long, rng)
    return {Field.TAG: ", ".join(tags), Field.LONG: " ".join(long), Field.SHORT: " ".join(short)}


def heads_and_general(sample: Sample) -> tuple[list[str], list[str]]:
    """Return the tags that a request names first (how many people, or the style) and the others."""
    if sample.in_order:
        return [sample.tags[0]], list(sample.tags[1:])
    heads = [tag for tag in sample.tags if tag[:1].isdigit() or tag == "solo"]
    return heads, [tag for tag in sample.tags if tag not in heads]


def _short_of(sentences: Sequence[str], rng: random.Random) -> list[str]:
    """The first sentence stays, some of the others follow in their order."""
    others = sorted(
        rng.sample(range(1, len(sentences)), min(len(sentences) - 1, rng.randint(0, 2)))
    )
    return [sentences[0], *(sentences[place] for place in others)]


def _split_tags(
    tags: list[str], heads: int, fewest: int, drop: bool, rng: random.Random
) -> tuple[list[str], list[str]]:
    """Split an answer's tags into those that the request gives and the rest.

    The first `heads` are given, and at least `fewest` of the others.
    """
    if drop:
        return [], tags
    general = tags[heads:]
    shown = rng.randint(fewest, max(3 * len(general) // 5, 1) + 1)
    shown = min(shown, max(len(general) - 1, 0))
    return tags[: heads + shown], general[shown:]


def _split_meta(
    sample: Sample, rng: random.Random, drop: bool, gen_meta: bool
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Split the metadata into the lines given before the target and those asked for after it."""
    if drop:
        return [], []
    lines = list(sample.meta.items())
    # Names are only ever given, never asked for: a made-up name is not worth learning.
    names = [
        (key, made_up_name(rng))
        for key in ("artist", "characters", "copyrights")
        if rng.random() < 0.1
    ]
    if rng.random() < KEEP_SOME_META:
        lines = [line for line in lines if rng.random() < KEEP_META_LINE]
    rng.shuffle(lines)
    asked: list[tuple[str, str]] = []
    if gen_meta and lines:
        given = rng.randint(0, len(lines) - 1)
        lines, asked = lines[:given], lines[given:]
    lines += names
    rng.shuffle(lines)
    return lines, asked
