"""Samples and training records: form, shares of the recipe, and texts that never get in."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from lab.nano.data import samples as nano_samples
from lab.nano.data.corpora import is_held_out_text
from lab.nano.data.exclusive_tags import exclusive_group
from lab.nano.data.photo_captions import PhotoCaption
from lab.nano.data.samples import SampleSource
from lab.nano.measures.answer_measures import measure_answer
from tipo_core.expansion.caption_rules.aspects import Aspect, aspect
from tipo_core.expansion.format import META_KEYS, Request, read_answer, split_tags
from tipo_core.expansion.tasks import Field, Task
from tipo_core.prompt import count_sentences
from tipo_core.training.records import Record, make_record
from tipo_core.training.sample import Sample
from tipo_core.training.workers import pieces


@pytest.fixture(scope="module")
def samples(corpora: Path) -> list[Sample]:
    return list(islice(iter(SampleSource(corpora, 1, fit_rounds=0)), 400))


@pytest.fixture(scope="module")
def records(samples: list[Sample]) -> list[Record]:
    rng = random.Random(2)
    return [make_record(sample, rng) for sample in samples for _ in range(5)]


def asked(record: Record) -> Request:
    """The request of a record, read back from its text."""
    lines = record.request.split("\n")
    target = next(n for n, line in enumerate(lines) if line.startswith("target:"))
    meta = dict(line.split(": ", 1) for line in lines[:target])
    given = {}
    for line in lines[target + 1 :]:
        head, _, text = line.partition(":")
        given[Field(head)] = text.strip()
    return Request(record.task, record.length, given, meta, "<|gen_meta|>" in lines[target])


def test_every_record_is_well_formed(records: list[Record]) -> None:
    for record in records:
        request = asked(record)
        answer = read_answer(request, record.answer)
        assert answer.well_formed, record
        assert set(request.meta) | set(answer.meta) <= set(META_KEYS)


def test_answers_keep_to_their_length_class(records: list[Record]) -> None:
    for record in records:
        if not any(asked(record).given.values()) and record.task is not Task.TAGS:
            continue  # with everything dropped the first field is whole, as the authors have it
        for name, text in read_answer(asked(record), record.answer).fields.items():
            if name is Field.TAG:
                assert len(split_tags(text)) <= record.length.tags.most
            elif name is Field.LONG:
                assert count_sentences(text) <= record.length.sentences.most
    reached = [
        measure_answer(asked(one), read_answer(asked(one), one.answer), True).length_reached
        for one in records
    ]
    # A class is an upper bound: a third of the answers fill theirs, the others end before.
    assert 0.3 < sum(reached) / len(reached) < 0.75


def test_the_recipe_has_its_shares(records: list[Record]) -> None:
    tasks = Counter(record.task for record in records)
    total = len(records)
    composite = (Task.SHORT_TO_TAG_TO_LONG, Task.SHORT_TO_LONG_TO_TAG, Task.TAG_TO_SHORT_TO_LONG)
    shares = dict.fromkeys(composite, 0.092) | {Task.TAG_TO_LONG: 0.294, Task.TAGS: 0.147}
    shares |= {Task.LONG_TO_TAG: 0.092, Task.SHORT_TO_TAG: 0.11, Task.SHORT_TO_LONG: 0.08}
    for task, share in shares.items():
        assert abs(tasks[task] / total - share) < 0.03
    masked = sum(record.masked for record in records) / total
    assert abs(masked - 0.30) < 0.04
    dropped = sum(record.request.startswith("target:") for record in records)
    assert dropped / total > 0.08
    # Of the samples with metadata.
    gen_meta = sum("<|gen_meta|>" in record.request for record in records) / total
    assert 0.05 < gen_meta < 0.20


def test_metadata_lines_come_in_any_order(records: list[Record]) -> None:
    first_lines = Counter(record.request.split(":")[0] for record in records)
    assert {"rating", "quality", "meta", "aspect ratio", "target", "artist"} <= set(first_lines)


def test_caption_and_tags_are_tied_by_content(samples: list[Sample]) -> None:
    shared = 0
    for sample in samples:
        caption = " ".join(sample.sentences).lower()
        shared += sum(tag in caption for tag in sample.tags) >= 2
    assert shared / len(samples) > 0.9


def test_nothing_unsafe_and_no_name_of_a_series_gets_in(records: list[Record]) -> None:
    text = "\n".join(record.request + record.answer for record in records)
    for word in ("panties", "naked", "poke ball", "+++", "john doe"):
        assert word not in text
    assert "highly detailed" in text


def test_the_same_seed_makes_the_same_samples(corpora: Path, samples: list[Sample]) -> None:
    assert list(islice(iter(SampleSource(corpora, 1, fit_rounds=0)), 20)) == samples[:20]
    assert list(islice(iter(SampleSource(corpora, 2, fit_rounds=0)), 20)) != samples[:20]


def test_workers_make_the_samples_of_the_source(
    corpora: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = SampleSource(corpora, 1, fit_rounds=0)
    with caplog.at_level("INFO"):
        made = nano_samples.make_samples(corpora, 60, source, workers=1)
    assert len(made) == 60 and made == list(islice(iter(source), 60))
    # Drafts of some blocks; one without a fitting caption, or with something on the block list,
    # is left out and counted.
    left_out = re.search(r"(\d+) of (96|144) drafts were left out", caplog.text)
    assert left_out is not None
    drafts = int(left_out.group(2))
    assert int(left_out.group(1)) == drafts - sum(len(source.block(n)) for n in range(drafts // 48))
    given = (corpora, 1, source.biases)
    assert list(islice(pieces(nano_samples._blocks, given, 1), 2)) == [
        source.block(0), source.block(1),
    ]  # fmt: skip


def test_a_draft_with_a_blocked_word_is_no_sample(corpora: Path) -> None:
    source = SampleSource(corpora, 1, fit_rounds=0)
    whole = source.block(0)
    source.photos = [PhotoCaption(("A naked man stands on a table with a book.",))]
    fewer = source.block(0)
    assert len(fewer) < len(whole)
    assert not any("naked" in sentence for sample in fewer for sentence in sample.sentences)


def test_photo_captions_held_out_are_those_that_no_training_has(corpora: Path) -> None:
    lines = [f"A cat sits on table {n}." for n in range(400)]
    share = sum(map(is_held_out_text, lines)) / len(lines)
    assert 0.02 < share < 0.09
    trained = set(SampleSource(corpora, 1, fit_rounds=0).captions)
    kept = set(SampleSource(corpora, 1, held_out=True, fit_rounds=0).captions)
    assert trained and not trained & kept


def test_what_a_caption_says_is_among_the_tags_however_few_there_are() -> None:
    tags = ("1girl", "solo", *(f"tag {n}" for n in range(30)), "red hat", "book")
    sample = Sample(tags, ("A girl with a red hat.", "She holds a book."), {})
    rng = random.Random(1)
    for record in (make_record(sample, rng) for _ in range(300)):
        answer = read_answer(asked(record), record.answer)
        if record.task is Task.SHORT_TO_TAG and Field.TAG in answer.fields:
            assert "red hat" in split_tags(answer.fields[Field.TAG])


def test_one_person_has_one_hair_colour(samples: list[Sample]) -> None:
    alone = [sample for sample in samples if "solo" in sample.tags]
    assert alone
    for sample in alone:
        colours = [tag for tag in sample.tags if aspect(tag) is Aspect.HAIR_COLOR]
        assert len(colours) <= 1
    assert exclusive_group("red bow") == exclusive_group("blue bow") != exclusive_group("red hat")


def test_a_request_with_few_tags_still_has_those_that_the_caption_names() -> None:
    tags = ("dog", *(f"thing {n}" for n in range(20)), "red hat", "sitting", "trees")
    sample = Sample(tags, ("A dog with a red hat sits under a tree.",), {})
    rng = random.Random(1)
    some = [make_record(sample, rng) for _ in range(400)]
    some = [
        one for one in some if one.task is Task.TAG_TO_LONG and not one.request.endswith("tag:")
    ]
    assert len(some) > 50
    for record in some:
        given = split_tags(asked(record).given[Field.TAG])
        assert {"dog", "red hat", "sitting", "trees"} <= set(given)
    assert min(len(split_tags(asked(one).given[Field.TAG])) for one in some) < 10


def test_typed_tags_are_in_requests_and_never_in_answers() -> None:
    sample = Sample(
        ("cat", "window", "chair", "lamp"), ("A cat on a chair.",), {}, typed=("sketch",)
    )
    rng = random.Random(1)
    records = [make_record(sample, rng) for _ in range(300)]
    assert not any("sketch" in record.answer for record in records)
    given = [one for one in records if one.task in (Task.TAGS, Task.TAG_TO_LONG)]
    assert sum("sketch" in one.request for one in given) > 0.8 * len(given)


def test_a_short_caption_may_tell_the_picture_in_other_words() -> None:
    sample = Sample(("cat", "chair"), ("A cat on a chair.",), {}, retold=("The cat is sitting.",))
    rng = random.Random(1)
    records = [make_record(sample, rng) for _ in range(400)]
    shorts = [
        one for one in records if one.task.fields[0] is Field.SHORT and "\nshort: " in one.request
    ]
    told = [one for one in shorts if "The cat is sitting." in one.request]
    assert 0.2 < len(told) / len(shorts) < 0.8
    assert all(one.task is not Task.SHORT_TO_LONG for one in told)
    # The long caption is the one that the tags belong to.
    assert not any("The cat is sitting." in one.answer for one in records)


def test_names_of_a_sample_are_given_in_every_record() -> None:
    meta = {"artist": "somebody", "rating": "safe"}
    sample = Sample(("planet", "red", "two moons", "space"), ("A planet.",), meta, in_order=True)
    rng = random.Random(1)
    for record in (make_record(sample, rng) for _ in range(200)):
        assert "artist: somebody" in record.request and "artist" not in record.answer
