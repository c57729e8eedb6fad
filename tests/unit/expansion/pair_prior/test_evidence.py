"""The words of a request that the pair table knows."""

from __future__ import annotations

import pytest

from tipo_core.expansion.pair_prior.evidence import MOST_ENTRIES, Evidence, find_evidence
from tipo_core.prompt.vocabulary.pairs import shipped_pairs


def names(evidence: Evidence) -> dict[str, float]:
    table = shipped_pairs()
    return {table.names[found.entry]: found.weight for found in evidence.found}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("two foxes in the snow", ["fox", "snow"]),
        ("Three OWLS, night", ["owl", "night"]),
        ("polar_bear, ice", ["polar bear", "ice"]),
        ("(lighthouse:1.2), storm", ["lighthouse", "storm"]),
        ("geese over a lake", ["goose", "lake"]),
        ("bat (animal), cave", ["bat (animal)", "cave"]),
        ("bat \\(animal\\)", ["bat (animal)"]),
        ("snow-covered cabin", ["snow", "cabin"]),
        ("a hot air balloon", ["hot air balloon"]),
        ("a misty harbour at dawn", ["fog", "harbor", "morning"]),
        ("sky full of stars", ["starry sky"]),
        ("a gold pocket watch", ["gold", "pocket watch"]),
        ("a ball of yarn", ["yarn"]),
        ("a sea of flowers", ["flower"]),
        ("a bowl of soup", ["bowl", "soup"]),
        ("no humans, train", ["no humans", "train"]),
        ("a beaver building a dam", ["beaver", "dam"]),
        ("iceberg lettuce", ["lettuce"]),
        ("king penguin", ["emperor penguin"]),
        ("a quokkanese lighthouse", ["lighthouse"]),
    ],
)
def test_words_are_found(text: str, wanted: list[str]) -> None:
    found = names(find_evidence([text]))
    assert [name for name in wanted if name not in found] == []


@pytest.mark.parametrize(
    ("text", "unwanted"),
    [
        ("a ball of yarn", "ball"),
        ("iceberg lettuce", "iceberg"),
        ("a beaver building a dam", "building"),
        ("a gas station", "train station"),
        ("an old shipyard with cranes", "crane (bird)"),
        ("a street without cars", "car"),
        ("starfish", "star (sky)"),
        ("a dried lake bed", "bed"),
        ("1girl, silver hair", "silver"),
        ("a sword on a stand", "stand (jojo)"),
        ("in a can", "in"),
        ("a fox, trending on art station", "train station"),
        ("a fox by studio ghibli", "studio"),
        ("it could spring to life", "spring (season)"),
        ("a room without any chairs", "chair"),
        ("a confetti explosion of numbers", "explosion"),
    ],
)
def test_other_senses_are_not_found(text: str, unwanted: str) -> None:
    assert unwanted not in names(find_evidence([text]))


def test_a_describing_noun_weighs_less_than_its_head() -> None:
    found = names(find_evidence(["pumpkin soup"]))
    assert found["pumpkin"] < found["soup"] == 1
    found = names(find_evidence(["dragon kite"]))
    assert found["dragon"] < found["kite"] == 1
    found = names(find_evidence(["forest path"]))
    assert found.get("forest path", found.get("path")) == 1


def roles(text: str) -> dict[str, str]:
    table = shipped_pairs()
    return {table.names[found.entry]: found.role for found in find_evidence([text]).found}


def test_each_noun_has_a_role() -> None:
    found = roles("a cat on a chair beside a dog with a flute")
    assert found["cat"] == "subject" and found["chair"] == found["dog"] == "setting"
    assert found["flute"] == "detail"
    assert set(roles("cat, chair, window").values()) == {"subject"}
    assert roles("a bowl of soup")["soup"] == "subject"
    assert roles("a view of a castle")["castle"] == "subject"
    assert roles("a man repairing a lamp")["lamp"] == "setting"
    assert roles("a photo of four cats")["cat"] == "subject"
    assert roles("a collage of the eyes of an owl")["owl"] == "subject"
    assert roles("a pepper to the left of a lamp")["lamp"] == "setting"
    # The strongest role counts.
    assert roles("a man with a cat, cat")["cat"] == "subject"


def test_a_doing_after_a_noun_is_no_head() -> None:
    assert names(find_evidence(["wolf howling at the moon"]))["wolf"] == 1


def test_a_compound_brings_its_head_noun() -> None:
    found = names(find_evidence(["a dining table"]))
    assert 0 < found["table"] < found["dining table"]


def test_a_compound_with_a_list_of_its_own_needs_no_head() -> None:
    for text, head in (("a sea lion", "lion"), ("satellite dish", "dish"), ("ice cream", "cream")):
        assert head not in names(find_evidence([text]))


def test_persons_are_noticed() -> None:
    assert find_evidence(["1girl, hat"]).mentions_person
    assert find_evidence(["an old fisherman on his boat"]).mentions_person
    assert not find_evidence(["no humans, boat, snowman, a busy market"]).mentions_person


def test_unknown_and_empty_texts_have_no_evidence() -> None:
    for text in ("", " , ,", "zzxq blorft", "的", "()", "\ud800"):
        assert find_evidence([text]).found == ()


def test_each_entry_is_found_once_and_a_long_text_is_cut() -> None:
    table = shipped_pairs()
    text = ", ".join(table.names[:2_000]) * 2
    found = find_evidence([text, text]).found
    assert len(found) == len({one.entry for one in found}) == MOST_ENTRIES


def test_a_long_text_takes_linear_work() -> None:
    """The look-ups in the vocabulary, counted, grow with the words of the text."""

    class Counted(dict[str, int]):
        asked = 0

        def get(self, key: str, default: int | None = None) -> int | None:  # type: ignore[override]
            Counted.asked += 1
            return super().get(key, default)

    table = shipped_pairs()
    counted = type(table)(**{**table.__dict__, "spellings": Counted(table.spellings)})
    asked = []
    for words in (1_000, 2_000, 4_000):
        Counted.asked = 0
        find_evidence(["blorft wug " * (words // 2)], counted)
        asked.append(Counted.asked)
    assert asked[2] <= 2.1 * asked[1] <= 4.5 * asked[0]
    assert asked[0] <= 30 * 1_000
