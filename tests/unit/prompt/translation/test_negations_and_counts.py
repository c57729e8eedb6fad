"""Negated words, counts and pronouns. The expected tags were written by hand."""

from __future__ import annotations

import pytest

from tipo_core.prompt.translation.translate import translate
from tipo_core.prompt.translation.word_cutting import cut_words
from tipo_core.prompt.vocabulary.translations import (
    Entry,
    WordKind,
    russian_stem,
    shipped_dictionary,
)

NEGATIONS = {
    "一个没有胡子的男人": "man",
    "不戴眼镜的男孩": "no eyewear, 1boy",
    "没有戴帽子的女孩": "no hat, 1girl",
    "沒有帽子的女孩": "no hat, 1girl",
    "没有红色帽子的女孩": "1girl",
    "没有猫": "",
    "不是猫": "",
    "除了猫": "",
    "没有猫和狗的房间": "room",
    "不是女孩，是男孩": "1boy",
    "不开心的女孩": "1girl",
    "天空不蓝": "sky",
    "空无一人的街道": "no humans, street",
    "没有人的街道": "no humans, street",
    "猫ではない犬": "dog",
    "猫がいない部屋": "room",
    "人がいない街": "no humans, city",
    "帽子のない女の子": "no hat, 1girl",
    "眼鏡をかけていない少女": "no eyewear, 1girl",
    "女の子は寝ていない": "1girl",
    "모자 없는 소녀": "no hat, 1girl",
    "사람 없는 거리": "no humans, street",
    "고양이가 아닌 개": "dog",
    "안경을 쓰지 않은 소년": "no eyewear, 1boy",
    "не кот, а собака": "dog",
    "девушка без шляпы": "1girl, no hat",
    "дом без кота и собаки": "house",
}


@pytest.mark.parametrize("text", NEGATIONS)
def test_a_negated_word_is_no_tag(text: str) -> None:
    found = translate(text)
    assert ", ".join(found.tags) == NEGATIONS[text] and not found.unknown
    end = 0
    for word in found.words:
        assert text[word.start : word.end] == word.text and word.start >= end
        end = word.end


COUNTS = {
    "две девушки": "2girls",
    "3 девушки": "3girls",
    "пять девушек": "5girls",
    "девочки": "multiple girls",
    "мальчики и девочки": "multiple boys, multiple girls",
    "красивые девушки": "multiple girls, beautiful girls",
    "двое мальчиков": "2boys",
    "много девушек": "multiple girls",
    "девушка на пляже": "1girl, beach",
    "платье девушки": "dress, 1girl",
    "2 кота": "two cats",
    "четыре красных розы": "four red roses",
    "1girl, 3 кота": "three cats",
    "红发女孩和蓝发女孩": "red hair, 2girls, blue hair",
    "一个女孩和另一个女孩": "2girls",
    "女孩和女孩": "2girls",
    "两个女孩和一个女孩": "3girls",
    "两个女孩和一个男孩": "2girls, 1boy",
    "女人和女人": "2girls, women",
    "一只猫和另一只猫": "two cats",
    "红花和蓝花": "red flower, blue flower",
    "女孩和猫在女孩的房间": "1girl, cat, room",
    "少女と少女": "2girls",
    "소녀와 소녀": "2girls",
    "девочка и девочка": "2girls",
    "十二个女孩": "6+girls",
    "七个女孩": "6+girls",
    "二十个人": "people",
    "八只猫": "eight cats",
    "12个女孩": "6+girls",
    "3 个女孩": "3girls",
    "소녀들": "multiple girls",
    "들판의 소녀": "field, 1girl",
    "少女二人": "2girls",
    "女孩三名": "3girls",
    "女の子が二人": "2girls",
    "三口之家": "family",
    "七人の侍": "seven samurai",
}


@pytest.mark.parametrize("text", COUNTS)
def test_counts(text: str) -> None:
    found = translate(text)
    assert ", ".join(found.tags) == COUNTS[text] and not found.unknown


PRONOUNS = {
    "他在雨中": "1boy, rain",
    "她在看书": "1girl, reading",
    "她们在跳舞": "multiple girls, dancing",
    "他和她": "1boy, 1girl",
    "我在海边": "person, seaside",
    "彼女は本を読んでいる": "1girl, book, reading",
    "она в лесу": "1girl, forest",
    "그녀는 책을 읽고 있다": "1girl, book, reading",
    # an owner, a wish, and a person who is named already
    "她的猫": "cat",
    "我想要一只猫": "cat",
    "请给我画一只猫": "cat",
    "两个女孩，她们在雨中": "2girls, rain",
    "2girls, 她们在雨中": "rain",
}


@pytest.mark.parametrize("text", PRONOUNS)
def test_a_pronoun_is_a_person_if_no_other_is_named(text: str) -> None:
    assert ", ".join(translate(text).tags) == PRONOUNS[text]


def test_russian_forms_of_the_genitive_plural_have_the_same_stem() -> None:
    for forms in ("девушка девушки девушек", "кошка кошек", "человек человека"):
        assert len({russian_stem(form) for form in forms.split()}) == 1


@pytest.mark.parametrize(
    ("numerals", "value"),
    [
        *(("十", 10), ("十二", 12), ("二十五", 25), ("一百二十", 120), ("三万", 30_000)),
        *(("二千零", None), ("一二", 12), ("十万", 100_000)),
    ],
)
def test_numerals_are_one_number(numerals: str, value: int | None) -> None:
    """A number before a measure word is one token with its value."""
    text = f"{numerals}只猫"
    words = shipped_dictionary()
    token = cut_words(text, 0, len(text), words, False)[0]
    if value is None:
        assert token.text != numerals
    else:
        assert (token.text, token.entry) == (numerals, Entry(WordKind.NUMBER, (str(value),)))


def test_a_long_row_of_numerals_is_quick() -> None:
    text = "万" * 20_000
    assert translate(f"{text}只猫").tags == ("cats",)
