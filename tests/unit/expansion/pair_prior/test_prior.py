"""The pair prior: scores against a slow implementation, and the tags that it proposes."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tipo_core.expansion.pair_prior.evidence import Evidence, FoundEntry, find_evidence
from tipo_core.expansion.pair_prior.prior import LARGEST_SCORE, PairPrior
from tipo_core.prompt.vocabulary.blocklist import blocklist_matches
from tipo_core.prompt.vocabulary.pairs import PERSONS, Pair, PairTable, shipped_pairs

REQUESTS = (
    *("a fox in the snow", "an owl at night", "two horses, meadow", "a whale", "butterfly, flower"),
    *("mountains, lake, sunset", "desert, starry sky", "a waterfall in a jungle", "foggy forest"),
    *("a busy market", "city street, rain", "old library", "abandoned factory", "train station"),
    *("a cup of tea", "chocolate cake", "violin on a chair", "vintage car", "treasure chest"),
    *("space station", "robot in ruins", "castle on a hill", "sailing ship, storm", "glass vase"),
)


def proposed(text: str, seed: int = 0, count: int = 12) -> list[str]:
    return PairPrior(find_evidence([text])).propose(count, seed)


def slow_scores(found: list[FoundEntry], table: PairTable, evidence: Evidence) -> dict[int, float]:
    """The documented sum, over dictionaries of all lifts."""
    positive: dict[int, list[float]] = defaultdict(list)
    negative: dict[int, list[float]] = defaultdict(list)
    of_person = {"wear", "body", "hair", "held", "action"}
    concrete = {"thing", "food", "animal", "material", "plant", *of_person}
    for entry, weight, role in {one.entry: one for one in reversed(found)}.values():
        for place in range(table.starts[entry], table.starts[entry + 1]):
            if table.sources[place] == PERSONS:
                continue
            lift = table.lifts[place] / 20
            kind = table.kind(table.seconds[place])
            is_thing = table.kind(entry) in ("thing", "food", "animal", "material")
            is_weak = kind == "nature" and is_thing and role == "detail"
            is_weak |= kind in concrete and (
                role == "detail" or (role == "setting" and is_thing and kind in of_person)
            )
            if table.kind(entry) in ("medium", "light", "framing", "quality", "background"):
                is_weak = table.names[entry] not in ("scenery", "landscape", "cityscape")
                is_weak = is_weak and kind in concrete | {"place", "nature", "plant"}
            elif table.kind(entry) == "world" and kind in ("place", "nature"):
                is_weak = any(
                    one.role == "subject" and table.kind(one.entry) in ("animal", "thing", "food")
                    for one in evidence.found
                )
            elif kind == "animal":
                is_weak = is_weak or table.kind(entry) not in (
                    *("animal", "plant", "place", "nature", "weather"),
                )
            if lift > 0 and is_weak:
                continue
            if lift > 0:
                positive[table.seconds[place]].append(lift * weight)
            else:
                negative[table.seconds[place]].append(lift if lift <= -4 else lift * weight)
    scores = {}
    for entry in positive.keys() | negative.keys():
        lifts = sorted(positive.get(entry, []), reverse=True)
        scores[entry] = sum(lift * 0.5**k for k, lift in enumerate(lifts))
        scores[entry] += min(negative.get(entry, [0.0]))
    return scores


@pytest.mark.parametrize("text", REQUESTS)
def test_scores_equal_a_slow_implementation(text: str) -> None:
    table = shipped_pairs()
    evidence = find_evidence([text])
    prior = PairPrior(evidence)
    found = list(evidence.found)
    for tag, weight in (("tree", 1.0), ("moon", 0.5), ("unheard of", 1.0), ("tree", 0.1)):
        wanted = slow_scores(found, table, evidence)
        for entry in wanted.keys() | set(range(0, len(table.names), 50)):
            assert prior.score(entry) == pytest.approx(wanted.get(entry, 0.0))
        prior.accept(tag, weight)
        added = table.entry(tag)
        if added is not None and added not in [one.entry for one in found]:
            found.append(FoundEntry(added, weight))


def test_scores_are_clipped_and_leave_out_what_is_present() -> None:
    scores = PairPrior(find_evidence(["1girl, witch, night"])).scores()
    assert max(scores.values()) == LARGEST_SCORE
    assert min(scores.values()) == -LARGEST_SCORE
    assert not {"witch", "night", "1girl", "woman"} & scores.keys()
    assert scores["witch hat"] > 2 and scores["broom"] > 2
    assert scores["no humans"] == scores["day"] == -LARGEST_SCORE


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1boy, knight", ("armor", "sword", "shield")),
        ("1girl, maid", ("apron", "maid headdress")),
        ("a pirate", ("eyepatch", "pirate hat")),
        ("a man playing guitar", ("instrument", "music")),
        ("a chef", ("apron", "chef hat")),
        ("2girls, beach", ("ocean", "sand")),
    ],
)
def test_persons_get_what_fits_their_role(text: str, wanted: tuple[str, ...]) -> None:
    scores = PairPrior(find_evidence([text])).scores()
    assert all(scores[name] > 1 for name in wanted)


def test_dress_on_a_person_is_no_still_life() -> None:
    worn = PairPrior(find_evidence(["1girl, glasses, boots"])).scores()
    lone = PairPrior(find_evidence(["a pair of boots, glasses"])).scores()
    for name in ("dust", "scratches", "stitches"):
        assert lone[name] > 1
        assert worn.get(name, 0.0) < 1


def test_an_unknown_request_has_no_scores_and_no_proposals() -> None:
    prior = PairPrior(find_evidence(["zzxq blorft"]))
    assert prior.scores() == {}
    assert prior.propose(12, 1) == []


@pytest.mark.parametrize("text", REQUESTS)
def test_proposals_fit_a_picture_without_persons(text: str) -> None:
    table = shipped_pairs()
    kinds = set()
    for seed in range(5):
        tags = proposed(text, seed)
        assert 4 <= len(tags) == len(set(tags)) <= 12
        kinds |= {table.kind(table.spellings[tag]) for tag in tags}
        evidence = find_evidence([text]).found
        assert not {table.spellings[tag] for tag in tags} & {one.entry for one in evidence}
    assert not kinds & {"person", "wear", "body", "hair", "face", "pose", "action", "held", "other"}


@pytest.mark.parametrize("text", REQUESTS)
def test_no_two_tags_of_a_list_exclude_each_other(text: str) -> None:
    table = shipped_pairs()
    for seed in range(5):
        entries = [table.spellings[tag] for tag in proposed(text, seed)]
        entries += [one.entry for one in find_evidence([text]).found]
        for entry in entries:
            never = {pair.entry for pair in table.pairs(entry) if pair.lift <= -4}
            assert not never & set(entries)


def test_only_animals_get_parts_and_poses_of_animals() -> None:
    table = shipped_pairs()
    creature = {"creature", "creature pose"}
    for text in ("a violin", "mountains, lake", "city at night", "a bowl of soup"):
        for seed in range(5):
            tags = proposed(text, seed)
            assert not {table.kind(table.spellings[tag]) for tag in tags} & creature
    found = {tag for seed in range(20) for tag in proposed("a cat", seed)}
    assert creature & {table.kind(table.spellings[tag]) for tag in found}


@pytest.mark.parametrize(
    ("text", "unwanted"),
    [
        ("goldfish in a bowl", {"kimono", "festival", "yukata", "fireworks"}),
        ("city street at night", {"day", "sunset", "blue sky", "sunlight"}),
        ("old library", {"outdoors", "sky", "grass"}),
        ("a corgi in a library", {"outdoors", "sky", "grass", "field"}),
        ("a fox in the snow", {"summer", "grass", "autumn leaves"}),
        ("a whale underwater", {"sky", "cloud", "outdoors"}),
        ("planet, space", {"outdoors", "tree", "indoors"}),
        ("a medieval castle", {"car", "power lines", "neon lights"}),
    ],
)
def test_what_a_request_rules_out_is_not_proposed(text: str, unwanted: set[str]) -> None:
    for seed in range(20):
        assert not unwanted & set(proposed(text, seed))


def test_a_seed_gives_one_list_and_seeds_vary() -> None:
    for text in REQUESTS:
        assert proposed(text, 7) == proposed(text, 7)
    lists = {tuple(proposed("a fox in the snow", seed)) for seed in range(20)}
    assert len(lists) > 15


def test_lists_depend_on_the_request() -> None:
    """Apart from `no humans`, lists of unlike subjects share few tags."""
    lists = [set(proposed(text)) - {"no humans"} for text in REQUESTS]
    shares = [
        len(one & other) / min(len(one), len(other))
        for place, one in enumerate(lists)
        for other in lists[:place]
    ]
    assert sum(shares) / len(shares) < 0.2


def test_the_caller_refuses_tags() -> None:
    asked: list[str] = []

    def refuses(tag: str) -> bool:
        asked.append(tag)
        return tag in ("snow", "outdoors")

    tags = PairPrior(find_evidence(["a polar bear"])).propose(12, 0, refuses)
    assert tags and not {"snow", "outdoors"} & set(tags)
    assert set(tags) <= set(asked) and len(asked) == len(set(asked))


def test_count_is_an_upper_bound() -> None:
    for count in range(14):
        assert len(proposed("foggy forest", 3, count)) <= count


def test_proposals_hold_no_blocked_word() -> None:
    table = shipped_pairs()
    for entry in range(0, len(table.names), 25):
        evidence = Evidence((FoundEntry(entry, 1.0),), mentions_person=False)
        for tag in PairPrior(evidence).propose(12, entry):
            assert not blocklist_matches(tag)


def test_present_entries_cost_a_bounded_number_of_pairs() -> None:
    """Work is counted in pairs read: at most the pairs of each entry a few times."""

    class Counted(PairTable):
        def pairs(self, entry: int) -> Iterator[Pair]:
            for pair in PairTable.pairs(self, entry):
                read.append(1)
                yield pair

    read: list[int] = []
    table = shipped_pairs()
    counted = Counted(**table.__dict__)
    evidence = find_evidence(["dragon, castle, forest, river, night, moon, ruins, snow, tower"])
    pairs = sum(table.starts[one.entry + 1] - table.starts[one.entry] for one in evidence.found)
    longest = max(map(int.__sub__, table.starts[1:], table.starts))
    PairPrior(evidence, counted).propose(12, 0)
    assert len(read) <= 2 * pairs + 14 * longest


def test_a_table_of_three_words() -> None:
    """By hand: P(sofa) = exp(-2), lift 1.5, so that the log probability is -0.5."""
    table = PairTable(
        names=["cat", "no humans", "sofa"],
        spellings={"cat": 0, "no humans": 1, "sofa": 2},
        kinds=bytes((11, 1, 10)),
        tag_shares=bytes((64, 64, 32)),
        text_shares=bytes((255, 255, 255)),
        starts=array("I", [0, 1, 1, 2]),
        seconds=array("H", [2, 0]),
        lifts=array("b", [30, 30]),
        sources=bytes((8, 8)),
        longest=2,
    )
    evidence = find_evidence(["cats"], table)
    assert evidence.found == (FoundEntry(0, 1.0),)
    prior = PairPrior(evidence, table)
    assert prior.score(2) == pytest.approx(1.5)
    assert prior.scores() == pytest.approx({"sofa": 1.5})
    assert math.isclose(table.log_share(2) + prior.score(2), -0.5)
    assert prior.propose(5, 0) == ["no humans", "sofa"]
