"""The pair table is counted from corpora and from lists written by hand."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import pytest

from lab.pairs import hand_lists
from lab.pairs.corpus_sets import WordFinder
from lab.pairs.pair_lifts import Corpus, count_sets, merge
from lab.pairs.table_build import build_from
from lab.pairs.word_kinds import word_kind
from tipo_core.prompt.vocabulary.blocklist import blocklist_matches
from tipo_core.prompt.vocabulary.pairs import KINDS, PERSONS, TEXTS, WRITTEN, PairTable

TAGS = {
    "forest": (40_000, True),
    "moss": (4_000, True),
    "spider lily": (6_000, True),
    "long hair": (4_000_000, False),
    "witch hat": (30_000, False),
    "nude": (900_000, False),
    ":d": (300_000, False),
}
PAIRS = {
    ("forest", "moss"): 900,
    ("spider lily", "long hair"): 5_500,
    ("forest", "witch hat"): 149,
    ("nude", "forest"): 700,
}
CAPTIONS = ["A wombat on a red scooter.", "Wombats ride scooters."]


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> PairTable:
    folder = tmp_path_factory.mktemp("corpora")
    write_rows(
        folder / "danbooru_tags.jsonl.gz",
        [{"tag": tag, "count": count, "thing": thing} for tag, (count, thing) in TAGS.items()],
    )
    write_rows(
        folder / "danbooru_pairs.jsonl.gz",
        [{"tags": list(tags), "count": count} for tags, count in PAIRS.items()],
    )
    write_rows(folder / "coco_five_captions.jsonl.gz", [{"captions": CAPTIONS}] * 13)
    write_rows(folder / "coco_more_captions.jsonl.gz", [{"caption": "A nude wombat."}] * 20)
    write_rows(folder / "conceptual_captions_val.jsonl.gz", [{"caption": "An empty road."}] * 50)
    write_rows(folder / "tate_subjects.jsonl.gz", [{"tags": ["boat, sailing", "sea"], "count": 15}])
    write_rows(folder / "openimages_tags.jsonl.gz", [{"tags": ["gnu"], "count": 2}])
    write_rows(folder / "thing_pairs.jsonl.gz", [{"tags": ["wombat", "scooter"], "count": 9}])
    write_rows(
        folder / "wordnet_things.jsonl.gz",
        [
            {"word": "wombat", "kind": "animal", "is_a": ["marsupial"]},
            {"word": "scooter", "kind": "artifact", "is_a": ["vehicle"]},
            {"word": "road", "kind": "artifact", "is_a": ["way", "artifact"]},
            {"word": "gnu", "kind": "animal", "is_a": ["antelope"]},
        ],
    )
    return build_from(folder)


def pair(table: PairTable, one: str, other: str) -> tuple[float, int] | None:
    first, second = table.entry(one), table.entry(other)
    if first is None or second is None:
        return None
    return next(((p.lift, p.sources) for p in table.pairs(first) if p.entry == second), None)


def test_a_counted_pair_has_its_shrunk_lift() -> None:
    corpus = Corpus(TEXTS, "texts", 1_000, {"a": 40, "b": 50}, {("a", "b"): 12})
    merged = merge([corpus], frozenset())
    wanted = math.log((12 + 3) / (40 * 50 / 1_000 + 3))
    assert merged.lifts == {("a", "b"): pytest.approx(wanted), ("b", "a"): pytest.approx(wanted)}


def test_a_pair_below_its_support_or_on_the_stop_list_is_left_out() -> None:
    counts = {"a": 40.0, "b": 50.0, "c": 9.0}
    corpus = Corpus(TEXTS, "texts", 1_000, counts, {("a", "b"): 12, ("a", "c"): 7})
    assert ("a", "c") not in merge([corpus], frozenset()).lifts
    assert merge([corpus], frozenset({("a", "b")})).lifts == {}


def test_words_that_captions_never_have_together_are_negative() -> None:
    counts = {"sink": 300.0, "zebra": 200.0, "rare": 20.0}
    corpus = Corpus(TEXTS, "texts", 1_000, counts, {}, knows_missing=True)
    merged = merge([corpus], frozenset())
    assert merged.lifts["sink", "zebra"] == pytest.approx(math.log(3 / (60 + 3)))
    assert ("rare", "sink") not in merged.lifts


def test_the_lifts_of_two_corpora_are_averaged_by_their_counts() -> None:
    one = Corpus(1, "texts", 100, {"a": 10, "b": 10}, {("a", "b"): 8})
    two = Corpus(2, "texts", 10_000, {"a": 200, "b": 300}, {("a", "b"): 120})
    weights = [8 / (8 + 12), 120 / (120 + 12)]
    lifts = [math.log(11 / 4), math.log(123 / 9)]
    merged = merge([one, two], frozenset())
    wanted = sum(w * x for w, x in zip(weights, lifts, strict=True)) / sum(weights)
    assert merged.lifts["a", "b"] == pytest.approx(wanted)
    assert merged.sources["a", "b"] == 3


def test_sets_are_counted_with_their_weights() -> None:
    counts, pairs = count_sets([({"b", "a"}, 2.0), ({"b"}, 1.0)])
    assert counts == {"a": 2, "b": 3}
    assert pairs == {("a", "b"): 2}


def test_captions_of_one_picture_count_once(table: PairTable) -> None:
    wombat = table.entry("wombat")
    assert wombat is not None
    assert table.kind(wombat) == "animal"
    assert not table.is_tag(wombat)
    assert pair(table, "wombat", "scooter") is not None
    # 13 of 83 pictures; the caption with a blocked word is left out.
    assert math.exp(-table.text_shares[wombat] / 16) == pytest.approx(13 / 83, rel=0.05)


def test_tags_have_their_pairs_above_the_support(table: PairTable) -> None:
    assert pair(table, "moss", "forest") is not None
    assert pair(table, "spider lily", "long hair") is not None
    assert pair(table, "witch hat", "forest") is None


def test_blocked_words_and_signs_enter_nowhere(table: PairTable) -> None:
    assert not [name for name in table.spellings if blocklist_matches(name)]
    assert ":d" not in table.spellings


def test_written_pairs_are_marked(table: PairTable) -> None:
    found = pair(table, "penguin", "ice")
    assert found is not None and found[0] > 1 and found[1] & WRITTEN
    roles = pair(table, "witch", "witch hat")
    assert roles is not None and roles[1] == PERSONS
    never = pair(table, "night", "day")
    assert never is not None and never[0] == -6


def test_the_same_corpora_give_the_same_table(table: PairTable) -> None:
    assert list(table.names) == sorted(table.names)
    assert len(table.starts) == len(table.names) + 1 == len(table.kinds) + 1


@pytest.mark.parametrize(
    ("name", "is_thing", "kind"),
    [
        ("red hair", False, "hair"),
        ("blue eyes", False, "face"),
        ("long skirt", False, "wear"),
        ("holding sword", False, "held"),
        ("cat ears", False, "body"),
        ("crossed arms", False, "body"),
        ("scooter", None, "thing"),
        ("bakery", None, "place"),
        ("starlings", None, "other"),
    ],
)
def test_kinds_follow_rules(name: str, is_thing: bool | None, kind: str) -> None:
    classes = {
        "scooter": ("artifact", ("vehicle",)),
        "bakery": ("artifact", ("shop", "mercantile establishment")),
    }
    assert word_kind(name, {}, is_thing, classes) == kind


def test_the_hand_lists_are_well_formed() -> None:
    assert set(hand_lists.read_kinds().values()) <= set(KINDS)
    scenes = hand_lists.read_scenes()
    assert len(scenes) > 200
    assert all(scene.subjects and scene.shares for scene in scenes)
    words = [word for scene in scenes for word in (*scene.subjects, *scene.shares)]
    words += [word for left, right in hand_lists.read_apart() for word in (*left, *right)]
    assert all(word == " ".join(word.lower().split()) for word in words)
    assert not [word for word in words if not word or word[0] in "=+.?-"]


def test_an_unknown_mark_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "scenes_x.txt").write_text("= fox\n* tree\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"unknown mark '\*'"):
        hand_lists.read_scenes(tmp_path)


def test_the_longest_words_are_found() -> None:
    finder = WordFinder(["cat", "house cat", "dish"])
    assert finder.find("two house cats . dishes, a cat") == {"house cat", "dish", "cat"}
