"""Completion of tags: order, spellings, words of other languages, the blocklist, time."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tipo_core.prompt.tag_search import LONGEST_QUERY, MOST_MATCHES, TagMatch, shipped_tags
from tipo_core.prompt.vocabulary.blocklist import blocklist_matches
from tipo_core.prompt.vocabulary.pairs import shipped_pairs
from tipo_core.prompt.vocabulary.translations import shipped_dictionary


def found(typed: str, limit: int = 10) -> list[str]:
    return [match.tag for match in shipped_tags().search(typed, limit)]


def expected_by_scan(prefix: str) -> set[str]:
    """Every tag of both sources that has a word with this beginning, by a plain scan."""
    table, words = shipped_pairs(), shipped_dictionary()
    tags = set(table.names)
    for entries in (words.chinese_first, words.japanese_first, words.russian):
        tags |= {one.tags[0] for one in entries.values() if len(one.tags) == 1}
    starts = tuple(f"{before}{prefix}" for before in (" ", "-", "(", "/"))
    hits = {
        tag
        for tag in tags
        if not tag.isdigit() and (tag.startswith(prefix) or any(one in tag for one in starts))
    }
    hits |= {
        table.names[entry] for word, entry in table.spellings.items() if word.startswith(prefix)
    }
    if prefix == "armour":
        hits |= {tag for tag in tags if re.match(r"armor(ed)?\b", tag)}
    return {tag for tag in hits if not blocklist_matches(tag)}


@pytest.mark.parametrize("prefix", ["umbr", "moonl", "chandel", "tea cup", "armour"])
def test_every_tag_with_the_prefix_is_found(prefix: str) -> None:
    expected = expected_by_scan(prefix)
    assert expected
    assert set(found(prefix, MOST_MATCHES)) == expected


def test_an_exact_tag_is_first_and_the_commonest_follow() -> None:
    assert found("hat")[0] == "hat"
    table = shipped_pairs()
    tags = [tag for tag in found("blue") if table.entry(tag) is not None and tag != "blue"]
    shares = [table.log_share(table.spellings[tag]) for tag in tags if tag.startswith("blue")]
    assert shares == sorted(shares, reverse=True)


def test_later_words_follow_first_words() -> None:
    tags = found("umbrella", MOST_MATCHES)
    firsts = [tag.startswith("umbrella") for tag in tags]
    assert firsts == sorted(firsts, reverse=True) and not all(firsts)


def test_case_and_underscores_make_no_difference() -> None:
    assert found("Long_H") == found("long h") == found("  long  h ")
    assert found("long h")[0] == "long hair"


@pytest.mark.parametrize(
    ("word", "tag"),
    [
        ("红发", "red hair"),
        ("紅髮", "red hair"),  # traditional characters
        ("女孩", "1girl"),
        ("冬", "winter"),
        ("\u732b", "cat"),
        ("\uace0\uc591\uc774", "cat"),
    ],
)
def test_a_word_of_another_language_finds_its_tag(word: str, tag: str) -> None:
    matches = shipped_tags().search(word)
    assert tag in [match.tag for match in matches]
    assert all(match.word for match in matches)


def test_another_spelling_is_named() -> None:
    assert shipped_tags().search("armour")[0] == TagMatch("armor", "armour")
    assert shipped_tags().search("gray hair") == [TagMatch("grey hair", "gray hair")]
    assert shipped_tags().search("grey hair") == [TagMatch("grey hair", "")]


@pytest.mark.parametrize(
    ("typed", "tag", "word"),
    [
        ("кошка", "cat", "кошка"),
        ("Кошки", "cat", "кошка"),
        ("девушка", "1girl", "девушка"),
        ("девуше", "1girl", "девушек"),
        ("красные глаза", "red eyes", "красные глаза"),
        ("красных глаз", "red eyes", "красные глаза"),
        ("красные гла", "red eyes", "красные глаза"),
        ("длинные вол", "long hair", "длинные волосы"),
        ("жёлтый", "yellow", "жёлтый"),
        ("желтый", "yellow", "жёлтый"),
    ],
)
def test_every_form_of_a_russian_word_finds_its_tag(typed: str, tag: str, word: str) -> None:
    assert shipped_tags().search(typed)[0] == TagMatch(tag, word)


def test_every_russian_word_finds_its_tag_and_is_shown_whole() -> None:
    index = shipped_tags()
    words = shipped_dictionary().russian_words
    assert len(words) > 1_500
    for word, entry in words.items():
        if len(entry.tags) != 1 or entry.tags[0].isdigit() or blocklist_matches(entry.tags[0]):
            continue
        matches = index.search(word, MOST_MATCHES)
        assert entry.tags[0] in [match.tag for match in matches], word
        for match in matches:
            assert match.word in words, "a stem is shown"


def test_a_complete_word_finds_no_longer_word_by_its_stem() -> None:
    assert "eyeball" not in found("глаза")  # its stem begins the word of "eyeball"
    assert "eyeball" in found("глаз")


@pytest.mark.parametrize(
    "typed",
    [
        *("score_9", "absurdres", "newest", "lowres", "worst quality", "bad hands"),
        *("masterpiece", "best quality", "jpeg artifacts", "thighhighs", "swimsuit", "bikini"),
    ],
)
def test_words_of_quality_and_of_the_negative_prompt_are_found(typed: str) -> None:
    assert found(typed)[0] == typed


def test_every_word_of_the_family_presets_is_found() -> None:
    folder = Path(__file__).parents[3] / "tipo_core" / "assets" / "families"
    for file in folder.glob("*.json"):
        family = json.loads(file.read_text("utf-8"))
        for word in (*family.get("words", ()), *family.get("negative", ())):
            is_found = word in found(word)
            assert is_found == (not blocklist_matches(word)), word


def test_quality_words_precede_negative_words() -> None:
    scores = [tag for tag in found("score", MOST_MATCHES) if tag.startswith("score_")]
    assert scores.index("score_7") < scores.index("score_1")
    assert scores.index("score_9") < scores.index("score_1")


@pytest.mark.parametrize(
    "typed", ["", "  ", "_", "(", "qzxqzx", "x" * (LONGEST_QUERY + 1), "\ud83d"]
)
def test_nothing_is_found_for_other_texts(typed: str) -> None:
    assert found(typed) == []


def test_the_limit_is_kept() -> None:
    assert len(found("a", 3)) == 3
    assert len(found("a", 10**6)) == MOST_MATCHES
    assert found("a", 0) == found("a", -1) == []


def test_blocked_words_are_not_offered() -> None:
    keys = shipped_tags().keys
    assert len(keys) > 20_000
    clothes = {"bikini", "swimsuit", "thighhighs"}
    assert {key.tag for key in keys if blocklist_matches(key.tag)} == clothes
    assert found("panti") == found("nsf") == found("micro bik") == []


def test_a_long_text_finds_nothing() -> None:
    assert found("a " * 500_000) == []
