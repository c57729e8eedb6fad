"""Relevance, consistency and variety on hand-made answers."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lab.nano.measures.consistency import caption_consistency, total
from lab.nano.measures.expansion_measures import filtered, toy_share, variety
from lab.nano.measures.relevance import PairTable, relevance

NAMES = ["1girl", "cat ears", "cat tail", "smile", "shirt", "rare", "book"]


@pytest.fixture
def statistics() -> Any:
    """Two listed pairs: cat ears with cat tail (PMI 2) and, held out, with book (PMI 1)."""
    size = len(NAMES)
    lift = np.zeros((size, size), dtype=np.float32)
    listed, held = lift.astype(bool), lift.astype(bool)
    for other, value in (("cat tail", 2.0), ("book", 1.0)):
        i, j = NAMES.index("cat ears"), NAMES.index(other)
        lift[i, j] = lift[j, i] = value
        listed[i, j] = listed[j, i] = True
        held[i, j] = held[j, i] = other == "book"
    return SimpleNamespace(
        names=NAMES,
        index={name: n for n, name in enumerate(NAMES)},
        share=np.array([0.7, 0.05, 0.004, 0.3, 0.2, 0.001, 0.002]),
        log_lift=lift,
        is_listed=listed,
        is_held_out=held,
        counts_people=np.array([True] + [False] * 6),
    )


def test_pairs_of_common_tags_that_no_file_has_do_not_count(statistics: Any) -> None:
    table = PairTable(statistics, only_held_out=False)
    assert table.mean("cat ears", ["cat tail", "rare"]) == pytest.approx(1.0)
    assert table.mean("cat ears", ["cat tail", "smile", "shirt", "1girl", "unknown"]) == 2.0
    assert table.mean("cat ears", ["smile"]) is None


def test_real_pictures_have_a_tag_as_often_as_its_share_times_its_lift(statistics: Any) -> None:
    tail, book = 0.004 * math.exp(2), 0.002 * math.exp(1)
    expected = (2 * tail + 1 * book) / (tail + book + 0.001)  # and `rare`, at random
    assert PairTable(statistics, False).real("cat ears") == pytest.approx(expected, rel=1e-6)
    assert PairTable(statistics, True).real("cat ears") == pytest.approx(book / (book + 0.001))


def test_relevance_stands_beside_real_and_shuffled_pairs(statistics: Any) -> None:
    answers = [
        (["1girl", "cat ears"], ["cat tail", "rare", "cat ears"]),
        (["1girl", "cat ears"], ["book", "rare"]),
    ]
    found = relevance(statistics, answers)
    assert found.given == 2 and found.model == pytest.approx((1.0 + 0.5) / 2)
    assert found.shuffled == pytest.approx((0.5 + 1.0) / 2)
    assert found.share_of_real == pytest.approx(found.model / found.real)
    # The trained pair is left out: rare alone (0), and book beside rare (0.5).
    assert relevance(statistics, answers, only_held_out=True).model == pytest.approx(0.25)
    assert relevance(statistics, [(["1girl"], ["rare"])]).given == 0


@pytest.mark.parametrize(
    ("caption", "tags", "nouns", "supported", "coloured", "agreeing"),
    [
        ("A girl with long red hair wears a hat and gloves.", ["red hair", "long hair", "hat"],
         3, 2, 1, 1),
        ("She has blue eyes and a black skirt.", ["green eyes", "white pleated skirt"], 2, 2, 2, 0),
        ("She has brown hair and a red bow.", ["bow", "brown hair"], 2, 2, 1, 1),
        ("There are flowers nearby.", ["flower"], 1, 1, 0, 0),
        ("She looks at the viewer.", ["smile"], 0, 0, 0, 0),
    ],
)  # fmt: skip
def test_nouns_and_colours_of_a_caption_are_looked_for_in_the_tags(
    caption: str, tags: list[str], nouns: int, supported: int, coloured: int, agreeing: int
) -> None:
    found = caption_consistency(caption, tags)
    assert (found.nouns, found.supported) == (nouns, supported)
    assert (found.coloured, found.agreeing) == (coloured, agreeing)


def test_a_given_caption_supports_too_and_parts_add_up() -> None:
    hat = caption_consistency("A red hat.", [], given="a woman in a red hat")
    assert (hat.noun_share, hat.colour_share) == (1.0, 1.0)
    both = total([hat, caption_consistency("A cat and a dog.", ["cat"])])
    assert both.noun_share == pytest.approx(2 / 3)
    assert total([]).noun_share == 1.0


def _expansion(tags: str, added: tuple[str, ...], caption: str = "") -> Any:
    return SimpleNamespace(tags=tags, added_tags=added, caption=caption)


def test_toy_expansions_stay_in_their_words_and_do_not_contradict_themselves() -> None:
    kept = _expansion("planet, red, wide ring", ("red", "wide ring"))
    foreign = _expansion("planet, red, long hair", ("red", "long hair"))
    other_style = _expansion("planet, blue sky", ("blue sky",))
    two_suns = _expansion("landscape, red sun, no sun", ("no sun",))
    two_words = _expansion("potted plant, cactus, frown", ("cactus", "frown"))
    by_caption = _expansion("red, space", ("red", "space"), "A striped planet.")
    assert toy_share([kept]) == toy_share([by_caption, two_words]) == 1.0
    none_named = _expansion("red, cactus", ("cactus",))
    assert toy_share([none_named]) == 0.0
    assert toy_share([foreign]) == toy_share([other_style]) == toy_share([two_suns]) == 0.0
    assert toy_share([kept, foreign, two_suns, by_caption]) == 0.5


def _variants(*texts: tuple[str, str]) -> list[Any]:
    return [
        SimpleNamespace(
            added=f"{tags}\n{caption}", added_tags=tuple(tags.split(", ")), added_caption=caption
        )
        for tags, caption in texts
    ]


def test_variety_is_of_all_text_and_of_each_field_with_its_error() -> None:
    same = _variants(*[("red hat, blue coat", "A girl in a hat is here.")] * 2)
    half = _variants(
        ("red hat, blue coat", "A girl in a hat is here."),
        ("red hat, blue coat", "One sees nobody at all now."),
    )
    other = _variants(
        ("red hat, blue coat", "A girl in a hat is here."),
        ("book, cup, pen, chair", "One sees nobody at all now."),
    )
    found = variety([same, other])
    assert (found.self_bleu, found.tags, found.captions) == (0.5, 0.5, 0.5)
    assert found.error == pytest.approx(0.5)  # of 1 and 0: deviation sqrt(1/2), over sqrt(2)
    found = variety([half])
    assert (found.tags, found.captions, found.error) == (1, 0, 0)
    assert 0 < found.self_bleu < 1
    assert variety([]).self_bleu == 0


def test_the_filter_leaves_unsafe_tags_and_sentences_out() -> None:
    assert filtered(" smile, nude, hat") == " smile, hat"
    assert filtered(" A girl sits. She is naked. She smiles.\ntag: hat, nsfw") == (
        " A girl sits. She smiles.\ntag: hat"
    )
