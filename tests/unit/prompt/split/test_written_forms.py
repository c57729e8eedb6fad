"""Forms in which people write tags and captions: groups, shouts, credits, names, other scripts."""

from __future__ import annotations

import pytest

from tipo_core.prompt import split_prompt


@pytest.mark.parametrize(
    "tags",
    [
        # A group is judged by the tags in it, not by its number of words ...
        "(masterpiece, best quality, very aesthetic, absurdres, year 2024), 1girl, hat",
        "1girl, (long red hair, green eyes, freckles, black coat, leather boots:1.1)",
        "(best quality) (sunrise:1.2) (lake) (mist:1.1) (mountains) (HDR:1.2)",
        "{{{masterpiece}}}, {{extremely detailed wallpaper}}, [sketch], ((ink and wash painting))",
        "1boy, {{{silver hair, short hair, grey eyes, wearing a long black coat}}}, solo",
        # A shout or a stop is a mark of style, not the end of a sentence.
        "old stone bridge!!, fog!, highly detailed!!!, sharp focus, wide angle!",
        "masterpiece. best quality. 1girl. solo. blue eyes. long hair.",
        # Artists in a list.
        "castle, oil painting, by john singer sargent, ilya repin, and anders zorn",
        "forest, art by j. c. leyendecker, h. r. giger and moebius, sharp focus",
        # Phrases of tags with the words of captions.
        "1girl, solo, blue and white striped scarf, red coat with fur trim, smile, standing",
        "scenery, no humans, beautiful night sky and bright stars, mountain, lake",
    ],
)
def test_tags(tags: str) -> None:
    split = split_prompt(tags)
    assert (split.tags, split.caption) == (tags, "")


@pytest.mark.parametrize(
    "caption",
    [
        # A name, what the person wears, and what the person does.
        "Maria Jansen, wearing a yellow raincoat, walks along the harbour at dawn.",
        "Idris Okoro, dressed in a white suit, plays the piano in an empty hall. The room is dark.",
        "A fox, its fur wet from the rain, waits under the bridge.",
        # A list in a sentence.
        "A quilt in shades of red, orange, yellow, green, blue, and violet hangs on the wall.",
        "a dog wearing a red hat, blue gloves, a green shirt, and yellow boots",
        # A group is judged by what is in it, here as well.
        "(A woman in a red dress sits by the window, reading a letter:1.2)",
    ],
)
def test_captions(caption: str) -> None:
    assert split_prompt(caption).caption == caption
    assert split_prompt(caption).tags == ""


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("A cat sleeps on a red sofa. Soft light. Oil painting.", "Soft light. Oil painting."),
        (
            "a dragon flies over a burning city, by greg rutkowski, wlop, and ilya kuvshinov",
            "by greg rutkowski, wlop, and ilya kuvshinov",
        ),
        (
            "an old man mends a net at the harbour . watercolor, muted colors, paper texture",
            "watercolor, muted colors, paper texture",
        ),
    ],
)
def test_styles_after_a_caption(text: str, tags: str) -> None:
    split = split_prompt(text)
    assert split.tags == tags
    assert split.caption == text.removesuffix(tags).rstrip(" ,")


@pytest.mark.parametrize(
    "caption",
    [
        # Chinese: clauses without blanks, some of them of four characters.
        "一位老奶奶坐在火炉旁，戴着眼镜，正在给孙子织毛衣。",
        "三匹马在草原上奔跑，鬃毛飞扬，远处是连绵的雪山",
        "湖面平静如镜，倒映着红色的枫叶，一艘小船停在岸边。",
        "请画一张海报：宇航员站在月球上，身后是蓝色的地球。",
        "一位老奶奶坐在火爐旁，戴著眼鏡，正在給孫子織毛衣。",
        # Japanese.
        "着物を着た女性が、川のほとりで傘をさして立っている。",
        "夕暮れの海辺で、少年が犬と一緒に走っています。",
        "窓辺で本を読んでいる少女",
        "雪の降る夜、猫が屋根の上で月を見上げている。",
    ],
)
def test_chinese_and_japanese_captions(caption: str) -> None:
    assert split_prompt(caption).caption == caption
    for tags in ("1girl, masterpiece", "masterpiece，best quality"):
        split = split_prompt(f"{tags}\n{caption}")
        assert (split.tags, split.caption) == (tags, caption)


@pytest.mark.parametrize(
    "tags",
    [
        "杰作，最佳质量，1个女孩，黑色长发，蓝色眼睛，白色连衣裙，微笑，坐着",
        "国风，水墨画，远山，梅花，留白，高清，大师作品",
        "低质量，模糊，水印，多余的手指，错误的解剖结构，画面杂乱",
        "傑作、最高品質、1人の女の子、長い黒髪、青い目、セーラー服、笑顔、夕焼け",
        "低品質、ぼやけた、透かし、余分な指",
    ],
)
def test_chinese_and_japanese_tags(tags: str) -> None:
    assert split_prompt(tags).tags == tags


def test_tags_and_a_sentence_in_chinese_and_japanese() -> None:
    split = split_prompt("杰作，最佳质量，一只白猫躺在窗台上，正在晒太阳。")
    assert (split.tags, split.caption) == ("杰作，最佳质量", "一只白猫躺在窗台上，正在晒太阳。")
    split = split_prompt("傑作、最高品質、長い髪\n少女が公園のベンチに座っている。")
    assert (split.tags, split.caption) == (
        "傑作、最高品質、長い髪",
        "少女が公園のベンチに座っている。",
    )


def test_initials_do_not_end_a_sentence() -> None:
    text = "a portrait of a sailor who smokes a pipe, art by n. c. wyeth and j. c. leyendecker"
    parts = [part.text for part in split_prompt(text).parts]
    assert parts[-1] == "art by n. c. wyeth and j. c. leyendecker"
