"""Measure words that are nouns as well, months and hours: what a number counts."""

from __future__ import annotations

import pytest

from tipo_core.prompt.translation.translate import translate

COUNTED = [
    ("五本の木", ["five trees"]),
    ("木が五本", ["five trees"]),
    ("二本の剣", ["two swords"]),
    ("三本のバラ", ["three roses"]),
    ("バラ三本", ["three roses"]),
    ("5本の木", ["five trees"]),
    ("一本の傘", ["umbrella"]),
    ("本を三冊", ["three books"]),
    ("三冊の本", ["three books"]),
    ("十羽の鳥", ["ten birds"]),
    ("白い鳥六羽", ["six white birds"]),
    ("ペンギン二羽", ["two penguins"]),
    ("二足の靴", ["two shoes"]),
    ("一脚の椅子", ["chair"]),
    ("猫三匹", ["three cats"]),
    ("两棵树", ["two trees"]),
    ("三朵玫瑰", ["three roses"]),
    ("三只猫", ["three cats"]),
    ("两本书", ["two books"]),
    ("三面旗", ["three flags"]),
    ("一尾鱼", ["fish"]),
    ("一串葡萄", ["grapes"]),
    ("一枝梅花", ["plum blossoms"]),
    ("五枚花瓣", ["five petals"]),
    ("剣を二本持つ女の子", ["two swords", "holding sword", "1girl"]),
]
# Words that are not measured keep their sense.
NOUNS = [("本", ["book"]), ("本を読む", ["book", "reading"]), ("两条腿", ["two legs"])]
TIMES = [
    ("三月", []),
    ("桜が咲く三月", ["cherry blossoms", "blooming"]),
    ("十二月の雪", ["snow"]),
    ("12月の夜", ["night"]),
    ("五月五日", []),
    ("五時の空", ["sky"]),
    ("十七歳の女の子", ["1girl"]),
    ("五岁的男孩", ["1boy"]),
    ("五色の鳥", ["bird"]),
    ("三个月亮", ["three moons"]),
    ("二つの月", ["two moons"]),
    ("満月", ["full moon"]),
]


@pytest.mark.parametrize(("text", "tags"), [*COUNTED, *NOUNS, *TIMES])
def test_numbers_and_measure_words(text: str, tags: list[str]) -> None:
    assert [tag for tag in translate(text).tags if tag != "holding"] == tags
