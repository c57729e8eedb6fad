"""toy-sd's drawings as samples: their words, each part once, nothing held out."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from lab.nano.data.toy_scenes import contradicts, toy_scene, toy_sentences, toy_tags, toy_vocabulary
from lab.toy_sd.drawings.drawings import held_out
from lab.toy_sd.drawings.styles import STYLES
from tipo_core.expansion.tasks import Length, Task
from tipo_core.prompt.vocabulary.blocklist import blocklist_matches
from tipo_core.training.records import make_record
from tipo_core.training.sample import Sample

SCENES = [toy_scene(random.Random(seed)) for seed in range(120)]


def test_tags_name_the_style_first_and_each_part_once() -> None:
    assert {of.style for of in SCENES} == set(STYLES)
    for of in SCENES:
        tags = toy_tags(of, random.Random(1))
        parts = STYLES[of.style].parts
        assert tags[0] == of.style and len(tags) >= Length.VERY_SHORT.tags.least
        for part in parts:
            assert sum(part.tag.format(word) in tags for word in part.choices) == 1
        assert set(tags) <= toy_vocabulary(of.style)
        assert not contradicts(of.style, tags)
        # A word of the block list, which the samples leave out, is in one choice of the critters.
        assert bool(blocklist_matches(", ".join(tags))) == ("bare head" in tags)


def test_held_out_pairs_are_only_in_the_test() -> None:
    assert not any(held_out(STYLES[of.style], of.attributes) for of in SCENES)
    tested = [toy_scene(random.Random(seed), test=True) for seed in range(20)]
    assert all(held_out(STYLES[of.style], of.attributes) for of in tested)


def test_sentences_name_every_part() -> None:
    for seed, of in enumerate(SCENES):
        sentences = toy_sentences(of, random.Random(seed))
        text = " ".join(sentences).lower()
        assert all(word in text for word in of.attributes.values()), text
        assert all(one[0].isupper() and one.endswith(".") for one in sentences)
        assert "a horns" not in text and "a no " not in text and "a one " not in text


def test_two_choices_of_a_part_contradict() -> None:
    assert contradicts("landscape", ["landscape", "red sun", "no sun"])
    assert contradicts("planet", ["red", "blue"])
    assert not contradicts("planet", ["red", "striped", "wide ring", "two moons"])


@pytest.mark.parametrize("task", [Task.TAGS, Task.SHORT_TO_TAG])
def test_records_keep_the_order_and_ask_for_the_rest_of_a_style(task: Task) -> None:
    of = next(of for of in SCENES if of.style == "landscape")
    tags = tuple(toy_tags(of, random.Random(1)))
    sample = Sample(tags, ("A scene.", "It is one."), {"rating": "safe"}, in_order=True)
    rng = random.Random(2)
    records = [make_record(sample, rng) for _ in range(400)]
    some = [record for record in records if record.task is task]
    assert some and all(record.length is Length.VERY_SHORT for record in some)
    for record in some:
        text = (record.request + record.answer).split("\ntag:")[1].split("\n")[0].strip()
        assert tuple(text.split(", ")) == tags
    if task is Task.TAGS:
        given = Counter(record.request.rpartition("tag:")[2].strip() for record in some)
        assert given[of.style] > 0  # the style alone is one of the requests
