"""Completion of tags: order, spellings, words of other languages, the blocklist, time."""

from __future__ import annotations

import time

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
    assert shipped_tags().search("armour") == [TagMatch("armor", "armour")]


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
    assert not [key.tag for key in keys if blocklist_matches(key.tag)]
    assert found("bikin") == found("thighh") == []


def test_a_search_takes_milliseconds() -> None:
    shipped_tags()
    times = []
    for typed in ("a", "s", "bl", "long h", "红"):
        begin = time.perf_counter()
        shipped_tags().search(typed)
        times.append(time.perf_counter() - begin)
    assert max(times) < 0.05, times


def test_a_long_text_takes_no_longer() -> None:
    begin = time.perf_counter()
    assert found("a " * 500_000) == []
    assert time.perf_counter() - begin < 0.05
