"""Words of Chinese, Japanese, Korean and Russian as tags.

The expected tags were written by hand from the meaning of each text.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipo_core.prompt import SpanKind, parse
from tipo_core.prompt.translation.translate import replace_words, translate
from tipo_core.prompt.vocabulary.translations import shipped_dictionary

# The text, and its tags.
TEXTS = {
    # Chinese, simplified and traditional
    "一个女孩在雨中打着红伞": "1girl, rain, red umbrella, holding umbrella",
    "一個女孩在雨中打著紅傘": "1girl, rain, red umbrella, holding umbrella",
    "一只橘猫趴在窗台上": "orange cat, lying, on stomach, windowsill",
    "兩個穿著紅裙子的女孩": "red dress, 2girls",
    "三只小猫在草地上玩耍": "three kittens, grassland, playing",
    "一群狼在森林里奔跑": "wolves, forest, running",
    "黑色长发，蓝色大眼睛": "long hair, black hair, big eyes, blue eyes",
    "天空是蓝色的，猫很可爱": "blue sky, cute cat",
    "许多热气球漂浮在空中": "hot air balloons, floating, sky",
    "戴眼鏡的短髮女孩在圖書館看書": "bespectacled, short hair, 1girl, library, reading",
    "海豹和企鹅在冰山上": "seal, penguin, iceberg",
    "2个女孩，10只猫": "2girls, ten cats",
    "女孩们在海滩上": "multiple girls, beach",
    "一个年轻的女人": "young woman",
    "六个武士": "six samurai",
    # Japanese
    "赤い傘をさした女の子": "red umbrella, holding umbrella, 1girl",
    "猫三匹がこたつで寝ている": "three cats, kotatsu, sleeping",
    "二人の女の子が手をつないでいる": "2girls, holding hands",
    "２人の女の子": "2girls",
    "黒い服を着た男性、夜の街": "black clothes, man, night, city",
    "図書館で本を読む眼鏡の少女": "library, book, reading, glasses, 1girl",
    "初音ミク、ツインテール、青い髪": "hatsune miku, twintails, blue hair",
    # Korean
    "빨간 우산을 쓴 소녀가 비 오는 거리를 걷고 있다": (
        "red umbrella, holding umbrella, 1girl, rainy street, walking"
    ),
    "두 명의 소녀가 벚꽃나무 아래에 서 있다": "2girls, cherry blossoms, standing",
    "고양이 세 마리가 소파에서 자고 있다": "three cats, sofa, sleeping",
    "파란 눈의 금발 여자": "blue eyes, blonde hair, woman",
    # Russian
    "девушка с красным зонтом под дождём": "1girl, red umbrella, rain",
    "старый замок на холме, ночь": "old castle, hill, night",
    # beside Latin text
    "1girl, 猫, forest": "cat",
    "JK制服，Tシャツ": "school uniform, t-shirt",
    "(猫:1.2), [狗:0.8], {树}": "cat, dog, tree",
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_becomes_its_tags(text: str) -> None:
    assert ", ".join(translate(text).tags) == TEXTS[text]
    assert not translate(text).unknown


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("一只鼞", ("鼞",)),
        ("红鼞", ("红鼞",)),  # a letter of a longer word that is unknown
        ("哆啦A梦和鼞鼞在草地上", ("鼞鼞",)),
        ("고양이와 쀍쀍", ("쀍쀍",)),
        ("кошка и фырфыр", ("фырфыр",)),
    ],
)
def test_unknown_words_are_named(text: str, unknown: tuple[str, ...]) -> None:
    assert translate(text).unknown == unknown


def test_a_remark_in_a_long_prompt_is_no_request() -> None:
    remark = "常見品質類咒語接指定要素"
    prompt = f"masterpiece, best quality, {remark}, " + "extremely detailed wallpaper, " * 9
    assert not translate(prompt).words and translate(prompt).unknown == (remark,)
    assert replace_words(prompt) == prompt
    assert translate(f"{prompt}红伞").tags == ("red umbrella",)


@pytest.mark.parametrize("text", ["", "1girl, cat ears", "(a:1.2) café, ünder, o_o", "<lora:国:1>"])
def test_latin_text_and_names_of_files_are_left_alone(text: str) -> None:
    assert not translate(text).words
    assert replace_words(text) == text


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("(猫:1.2)", "(cat:1.2)"),
        ("((红伞)), [猫:狗:0.5], [猫|狗]", "((red umbrella)), [cat:dog:0.5], [cat|dog]"),
        (
            "猫 <lora:国风:0.8> embedding:国风, __动物__",
            "cat <lora:国风:0.8> embedding:国风, __动物__",
        ),
        ("1girl, 一只橘猫, hat", "1girl, orange cat, hat"),
        ("猫BREAK狗", "cat, BREAK, dog"),
        ("girl在森林", "girl, forest"),
        ("一只猫，一只狗。", "cat, dog."),
        ("红伞。猫在雪中！", "red umbrella. cat, snow!"),
        ("猫和鼞鼞", "cat, 鼞鼞"),
        ("猫 # 备注", "cat # 备注"),
        (r"\(猫\)", r"\(cat\)"),
    ],
)
def test_words_are_replaced_and_all_else_stays(text: str, replaced: str) -> None:
    assert replace_words(text) == replaced


_PIECES = st.sampled_from(
    (
        *("猫", "红伞", "女の子", "고양이", "鼞", "cat", "(", ")", ":1.2", "[", "]", ":0.5", "|"),
        *("{", "}", ", ", "，", "。", " ", "<lora:国:1>", " embedding:国", "__国__", " BREAK "),
        *("# ", "\n", "\\", "::"),
    )
)


@given(st.lists(_PIECES, max_size=12).map("".join))
def test_every_network_and_weight_survives_a_replacement(text: str) -> None:
    kept = {SpanKind.ANGLE, SpanKind.EMBEDDING, SpanKind.BREAK, SpanKind.WILDCARD}
    before, after = parse(text).spans, parse(replace_words(text)).spans
    assert [s.text for s in before if s.kind in kept] == [s.text for s in after if s.kind in kept]
    groups = (SpanKind.WEIGHT, SpanKind.SCHEDULE, SpanKind.ALTERNATION)
    assert [s.kind for s in before if s.kind in groups] == [
        s.kind for s in after if s.kind in groups
    ]


@given(st.text(alphabet="猫红伞的一个の子が고양이를 дом, (:1.2)<>{}[]|#a", max_size=30))
def test_words_lie_in_the_text_in_order(text: str) -> None:
    end = 0
    for word in translate(text).words:
        assert text[word.start : word.end] == word.text and word.start >= end
        assert all(tag.strip() and tag.isascii() for tag in word.tags)
        end = word.end


@pytest.mark.parametrize(
    "piece", ["一个女孩在雨中打着红伞，", "鼞", "あ", "猫 ", "가 ", "дом ", "(猫:1.2), "]
)
def test_the_work_grows_with_the_length_of_the_text(
    piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tipo_core.prompt.translation.word_cutting as cutting

    seen = 0
    real = cutting._unknown_cost

    def counted(letter: str) -> int:
        nonlocal seen
        seen += 1
        return real(letter)

    monkeypatch.setattr(cutting, "_unknown_cost", counted)
    counts = []
    for times in (20, 200):
        seen = 0
        translate(piece * times)
        counts.append(seen)
    assert counts[1] <= 11 * counts[0] + 100


def test_every_word_of_the_dictionary_has_tags_in_plain_english() -> None:
    words = shipped_dictionary()
    assert len(words.chinese_first) > 8_000 and len(words.russian) > 1_000
    for table in (words.chinese_first, words.japanese_first, words.russian):
        for word, entry in table.items():
            assert word == word.strip() and all(tag.isascii() for tag in entry.tags), word
