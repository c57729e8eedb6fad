"""The rules that tell girls, boys and creatures among the characters apart."""

from __future__ import annotations

import math

import pytest

from lab.slots.figures import HAND_FILE, Rules, endings, is_japanese, read_hand_list, romaji
from tipo_core.prompt.persons.characters import Figure

JAPANESE = {
    **dict.fromkeys(("hanako", "yoriko", "sachiko", "haruko", "akiko"), math.log(300)),
    **dict.fromkeys(("tarou", "jirou", "ichirou", "goirou", "hajirou"), -math.log(300)),
    "kanata": -math.log(20),
}
OTHERS = {"mary": math.log(400), "john": -math.log(400), "robin": 0.5}


def rules(use_hand_list: bool = True) -> Rules:
    hand: dict[str, list[str]] = {title: [] for title in read_hand_list(HAND_FILE)}
    hand["series girl"], hand["girl"] = ["ship girls"], ["some name", "odd one (tale)"]
    many = {f"{stem}ko": 6.0 for stem in ("aki", "mi", "yo", "sa", "tomo", "fumi", "kei", "rei")}
    many |= {f"{stem}rou": -6.0 for stem in ("ta", "ji", "ichi", "go", "sabu", "shi", "ro", "ken")}
    ordinary = frozenset("ice king black cat".split())
    japanese = {**many, **{f"x{name}": odds for name, odds in many.items()}, **JAPANESE}
    return Rules(hand, frozenset({"pikachu"}), japanese, OTHERS, ordinary, use_hand_list)


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("some name", Figure.GIRL),
        ("some name (1st costume)", Figure.GIRL),
        ("odd one (summer) (tale)", Figure.GIRL),
        ("pikachu", Figure.CREATURE),
        ("atago (ship girls)", Figure.GIRL),
        ("someone (male)", Figure.BOY),
        ("princess nobody", Figure.GIRL),
        ("yamada hanako", Figure.GIRL),
        ("yamada tarou", Figure.BOY),
        ("amane kanata", None),
        ("john smithee", Figure.BOY),
        ("mary smithee", Figure.GIRL),
        ("robin smithee", None),
        ("ice king", None),
        ("trainer mary", None),
        ("tarou (fate)", None),
        ("unknown", None),
    ],
)
def test_rules(name: str, figure: Figure | None) -> None:
    assert rules().figure(name) is figure


def test_the_hand_list_names_nobody_twice() -> None:
    hand = read_hand_list(HAND_FILE)
    names = [name for title, names in hand.items() if "series" not in title for name in names]
    assert len(names) == len(set(names)) > 1000


def test_romaji_keeps_long_vowels() -> None:
    assert [romaji(kana) for kana in ("きょうこ", "じゅん", "しょう", "いっぺい")] == [
        *("kyouko", "jun", "shou", "ippei")
    ]
    assert is_japanese("kyouko") and not is_japanese("smith")
    assert endings({f"{stem}ko": 5.0 for stem in map(str, range(100, 120))})["ko"] > 3
