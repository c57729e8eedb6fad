"""Unknown words are kept and named whole; names and unwanted words are not translated."""

from __future__ import annotations

import pytest

from tipo_core.prompt.translation.translate import replace_words, translate


@pytest.mark.parametrize(
    "word",
    [
        *("三国演义", "三毛流浪记", "了不起的盖茨比", "一拳超人", "千与千寻", "上海滩"),
        *("前景", "十鼞鼞", "鼞道", "鼞鼞101", "不鼞鼞", "其他", "了鼞", "小红", "老白"),
        *("𠮷", "うみ", "そら", "やま", "もり", "とり"),
    ],
)
def test_an_unknown_word_is_whole(word: str) -> None:
    found = translate(word)
    assert found.unknown == (word,) and not found.tags
    assert replace_words(word) == word
    mixed = replace_words(f"{word}, 猫")
    assert mixed == f"{word}, cat"


@pytest.mark.parametrize(
    ("text", "tags", "unknown"),
    [
        ("一只鼞在草地上", "grassland", ("鼞",)),
        ("猫和鼞鼞", "cat", ("鼞鼞",)),
        ("这只鼞鼞", "", ("鼞鼞",)),
        ("复杂的鼞鼞", "", ("复杂的鼞鼞",)),
        ("一万只羊", "sheep", ()),
        ("台北101", "taipei", ()),
        ("可口可乐", "cola", ()),
        ("もりの猫", "cat", ("もり",)),
        ("食べるうさぎ", "eating, rabbit", ()),
    ],
)
def test_grammar_beside_an_unknown_word_stays_grammar(
    text: str, tags: str, unknown: tuple[str, ...]
) -> None:
    found = translate(text)
    assert (", ".join(found.tags), found.unknown) == (tags, unknown)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("-1::猫::, 狗", "dog"),
        ("1.2::猫::-1::女孩::, 海", "cat, sea"),
        ("0::猫::, 狗", "dog"),
        ("(猫:-1), (狗:0), (鸟:0.5)", "bird"),
        ("((猫, (狗:1.2):-0.5))", ""),
        ("猫 AND 狗 :-1", "cat"),
        ("猫 :-1 AND 狗", "dog"),
        ("猫 --no 狗", "cat"),
    ],
)
def test_unwanted_words_have_no_tags(text: str, tags: str) -> None:
    assert ", ".join(translate(text).tags) == tags


def test_unwanted_words_are_replaced_where_they_stand() -> None:
    assert replace_words("-1::猫::, (狗:-1)") == "-1::cat::, (dog:-1)"


@pytest.mark.parametrize(
    "text",
    [
        *("A girl named 小红", "a cat called 猫猫", "her name is 红伞", 'a sign that says "咖啡"'),
        *("a poster with “猫”", "Mr. 王"),
    ],
)
def test_names_and_quoted_texts_in_english_stay(text: str) -> None:
    assert not translate(text).tags and replace_words(text) == text


def test_other_words_in_english_are_translated() -> None:
    assert replace_words("A girl with 红伞") == "A girl with red umbrella"


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("ﾈｺ", "cat"),
        ("ﾊﾞﾗとｼﾞｬｹｯﾄ", "rose, jacket"),
        ("ｃａｔ", "cat"),
        ("ＣＡＴ、狗", "cat, dog"),
        ("女孩ｃａｔ", "1girl, cat"),
        ("本", "book"),
    ],
)
def test_letters_of_other_widths_are_read(text: str, tags: str) -> None:
    found = translate(text)
    assert ", ".join(found.tags) == tags and not found.unknown
    for word in found.words:
        assert text[word.start : word.end] == word.text


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("日本", "japan"),
        ("日本庭园", "japanese garden"),
        ("中国", "china"),
        ("人参", "ginseng"),
        ("大王", "king"),
        ("面包车", "van"),
        ("白天和黑夜", "day, night"),
        ("小王子", "little prince"),
        ("三口之家", "family"),
        ("人行道", "sidewalk"),
        ("白雪公主", "snow white"),
    ],
)
def test_words_whose_letters_mislead(text: str, tags: str) -> None:
    assert ", ".join(translate(text).tags) == tags
