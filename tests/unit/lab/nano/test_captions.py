"""Captions for training: they name the tags and nothing else, in plain English."""

from __future__ import annotations

import gzip
import json
import random
import re
from itertools import islice
from pathlib import Path

import pytest

from lab.nano.data.photo_captions import photo_captions
from lab.nano.data.sample_subject import Subject, named_tags
from lab.nano.data.samples import SampleSource
from lab.nano.data.training_scenes import write_scene
from tipo_core.expansion.caption_rules.noun_phrases import plural, with_article
from tipo_core.expansion.caption_rules.person_captions import person_of, write_caption
from tipo_core.expansion.caption_rules.places import place_of
from tipo_core.expansion.caption_rules.scene_captions import scene_sentences
from tipo_core.prompt.vocabulary.blocklist import blocklist_matches
from tipo_core.training.sample import Sample

# Words of the first version's captions that nobody types in a prompt.
_FILLERS = re.compile(
    r"is seen|is in view|is shown|can be seen|quiet scene|an ice[.,]|a snowing|with day"
    r"|the picture(?! frame)|one can see|in this image|is drawn|the scene"
)


def captions_of(tags: str, count: int = 40) -> list[str]:
    typed = tags.split(", ")
    made = (write_caption(Subject(typed), 4, random.Random(seed)) for seed in range(count))
    return [" ".join(sentences) for sentences in made if sentences]


@pytest.fixture(scope="module")
def samples(corpora: Path) -> list[Sample]:
    return list(islice(iter(SampleSource(corpora, 3, fit_rounds=0)), 300))


def test_no_caption_has_the_fillers_of_the_first_version(samples: list[Sample]) -> None:
    for sample in (one for one in samples if not one.in_order):
        assert not _FILLERS.search(" ".join(sample.sentences).lower()), sample.sentences
    forms = (form for forms in scene_sentences().values() for form in forms)
    assert not any(_FILLERS.search(form.lower()) for form in forms)


def test_every_sentence_but_toy_sds_fits_the_tags(samples: list[Sample]) -> None:
    written = [one for one in samples if not one.in_order]
    assert len(written) > 200
    for sample in written:
        subject = Subject(sample.tags)
        for sentence in sample.sentences:
            sentence = sentence[0].upper() + sentence[1:]
            assert subject.fits(sentence), (sample.tags, sentence)


@pytest.mark.parametrize(
    ("tags", "noun"),
    [
        ("1boy, solo, beard, axe, smile, short hair", "man"),
        ("1girl, solo, mature female, smile, long hair", "woman"),
        ("1girl, solo, witch, smile, long hair", "witch"),
        ("2boys, old man, looking at another", "two men"),
        ("1boy, solo, old man, smile, short hair", "old man"),
    ],
)
def test_a_caption_says_who_the_persons_are(tags: str, noun: str) -> None:
    captions = captions_of(tags)
    assert sum(noun in caption.lower() for caption in captions) > 0.7 * len(captions)
    assert not any(re.search(r"\bboys?\b|\bgirls?\b", one) for one in captions if noun in one)


def test_a_first_sentence_joins_looks_and_deeds() -> None:
    captions = captions_of("1girl, solo, red hair, short hair, smile, looking at viewer, freckles")
    assert any("with short red hair" in one and "smiles at the viewer" in one for one in captions)
    piano = captions_of("1boy, solo, white hair, playing piano, suit")
    assert all("plays the piano" in caption for caption in piano)


def test_a_caption_leaves_out_what_another_tag_says_more_exactly() -> None:
    captions = captions_of("1girl, bow, red bow, skirt")
    assert any("a red bow" in one for one in captions)
    assert not any("a bow" in one for one in captions)


def test_several_persons_have_plurals() -> None:
    captions = captions_of("2girls, straw hat, holding hands, beach")
    assert captions and all("Two " in one for one in captions)
    assert any("straw hats" in one for one in captions)
    assert not any("a straw hat" in one for one in captions)
    person = person_of(["1boy", "1girl"])
    assert person is not None and person.pronoun == "they" and person.verb("sits") == "sit"


@pytest.mark.parametrize("seed", range(12))
def test_a_scene_has_its_subject_first_and_ends_with_its_tags(seed: int) -> None:
    subject = Subject(["owl"])
    subject.add(["branch", "full moon", "night", "forest"])
    sentences = write_scene(subject, 1, 9, random.Random(seed))
    assert sentences[0].startswith("An owl ")
    assert len(sentences) <= 5 and len(set(sentences)) == len(sentences)


def test_a_subject_without_tags_gets_no_sentence() -> None:
    assert write_scene(Subject(["chainsaw"]), 1, 4, random.Random(1)) == []


def test_places_have_their_preposition() -> None:
    found = [place_of(tag) for tag in ("beach", "frozen lake", "tree", "grass", "market", "heart")]
    assert found == ["on a beach", "by a frozen lake", "among trees", "in the grass",
                     "at a market", ""]  # fmt: skip
    assert [plural(tag) for tag in ("hat", "leaf", "church", "gloves", "body", "hair")] == [
        "hats", "leaves", "churches", "gloves", "bodies", "hair",
    ]  # fmt: skip
    assert [with_article(tag) for tag in ("ice", "utility pole", "bowl of noodles", "owl")] == [
        "ice", "a utility pole", "a bowl of noodles", "an owl",
    ]  # fmt: skip


def test_the_tags_of_a_caption_are_its_persons_its_things_and_their_colours() -> None:
    tags = named_tags(["A man in a red shirt walks his brown dog on a beach."])
    assert tags[:2] == ["1boy", "solo"]
    assert {"red shirt", "brown dog", "beach"} <= set(tags) and "dog" not in tags
    known = named_tags(["A boy throws a zorb."], frozenset({"zorb"}))
    assert "zorb" in known and "zorb" not in named_tags(["A boy throws a zorb."])


def test_photo_captions_are_cleaned(tmp_path: Path) -> None:
    def write(name: str, rows: list[dict[str, object]]) -> None:
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row) + "\n" for row in rows)

    with gzip.open(tmp_path / "captions_coco.txt.gz", "wt", encoding="utf-8") as stream:
        stream.write("A brown dog lies on a red chair.\n")
    good = "A small cat sleeps on a warm bed."
    write("coco_five_captions", [{"captions": [
        good, "A cat named Tom sleeps on a bed.", "This is a picture of a small cat.",
        "PRESIDENT SMITH WALKING NEAR A HOUSE.", "A naked man sleeps on a warm bed.", good,
    ]}])  # fmt: skip
    write("conceptual_captions_val", [
        {"caption": "actor attends the premiere of a film in a suit"},
        {"caption": "business and school category which is good"},
        {"caption": "a lock on a gate on a foggy morning"},
    ])  # fmt: skip
    write("iiw_long_captions", [
        {"caption": "A barn stands in a wide green field. Its roof is dark red and old. "
         "The photo was taken in Vermont. It is surrounded by tall old trees.", "human": True},
        {"caption": "A boat drifts on a calm blue lake.", "human": False},
    ])  # fmt: skip
    found = photo_captions(tmp_path)
    assert [one.sentences for one in found] == [
        (good,), ("A brown dog lies on a red chair.",),
        ("A lock on a gate on a foggy morning.",),
        ("A barn stands in a wide green field.", "Its roof is dark red and old."),
    ]  # fmt: skip
    assert [one.is_long for one in found] == [False, False, False, True]
    assert not any(blocklist_matches(text) for one in found for text in one.sentences)


def test_only_scenes_of_toy_sd_have_its_line(samples: list[Sample]) -> None:
    for sample in samples:
        assert (sample.meta.get("artist") == "toy-sd") is sample.in_order
    assert {one.in_order for one in samples} == {True, False}
