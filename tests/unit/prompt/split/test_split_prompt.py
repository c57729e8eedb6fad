"""Tags and captions of mixed prompts, in any order."""

from __future__ import annotations

import pytest

from tipo_core.prompt import Side, split_prompt

CAPTIONS = (
    "A girl sits by the window reading. She smiles.",
    "A black motorcycle parked in front of a garage.",
    "A girl, with long hair, blue eyes, and a hat, sits by the window.",
    "a photo of a cat sitting on a wooden table",
    "The man, who is 1.5 m tall, waves at Dr. Smith.",
    "Hatsune Miku stands on a stage. The crowd, e.g. her fans, cheers!",
    "Two dogs are running along the beach at sunset.",
)
TAG_LISTS = (
    "1girl, cat ears",
    "masterpiece, best quality",
    "solo, long_hair, (blue_eyes:1.3), looking at viewer",
    "hatsune miku (append), ^_^, :), holding sword, hand on own hip",
    "no humans, scenery, sky, from behind, wide shot",
)


@pytest.mark.parametrize("caption", CAPTIONS)
@pytest.mark.parametrize("tags", TAG_LISTS)
def test_five_patterns(caption: str, tags: str) -> None:
    other = "1boy, highres"
    for text, expected_tags, expected_caption in (
        (f"{tags}, {caption}", tags, caption),
        (f"{caption}, {tags}", tags, caption),
        (f"{tags}\n{caption}\n{other}", f"{tags}, {other}", caption),
        (f"{caption} {tags}, {caption}", tags, f"{caption} {caption}")
        if caption[-1] in ".!"
        else (f"{caption}, {tags}", tags, caption),
        (f"{tags}, {caption}, <lora:x:1>, {other}", f"{tags}, {other}", caption),
    ):
        split = split_prompt(text)
        assert (split.tags, split.caption) == (expected_tags, expected_caption), text
        assert "".join(part.text for part in split.parts) == text


def test_the_example_of_the_readme() -> None:
    split = split_prompt(
        "1girl, cat ears, A girl sits by the window reading. She smiles. masterpiece, best quality"
    )
    assert split.tags == "1girl, cat ears, masterpiece, best quality"
    assert split.caption == "A girl sits by the window reading. She smiles."
    assert split.networks == split.rest == ""


def test_syntax_keeps_its_side() -> None:
    text = (
        "(A girl sits by the window:1.2), (blue_eyes:1.3), <lora:my_style_v2:0.8>, "
        "embedding:easy_negative, BREAK, [cat:dog:0.5], __color__, smile # the end"
    )
    split = split_prompt(text)
    assert split.caption == "(A girl sits by the window:1.2)"
    assert split.tags == "(blue_eyes:1.3), [cat:dog:0.5], smile"
    assert split.networks == "<lora:my_style_v2:0.8>, embedding:easy_negative"
    assert split.rest == "BREAK\n__color__\n# the end"


@pytest.mark.parametrize("text", ["", "  ,, \n", "...", ",", "(", "\0"])
def test_nothing_to_split(text: str) -> None:
    split = split_prompt(text)
    assert "".join(part.text for part in split.parts) == text
    assert split.caption == ""


def test_cjk_sentences() -> None:
    split = split_prompt("1girl, \u5979\u5728\u8bfb\u4e66\u3002\u4ed6\u7b11\u4e86\u3002, solo")
    assert split.caption == "\u5979\u5728\u8bfb\u4e66\u3002\u4ed6\u7b11\u4e86\u3002"
    assert split.tags == "1girl, solo"


def test_cjk_clauses_without_blanks() -> None:
    first = "\u5979\u7a7f\u7740\u7ea2\u8272\u7684\u88d9\u5b50"
    caption = f"{first}\uff0c\u5750\u5728\u7a97\u8fb9\u8bfb\u4e66\u3002"
    split = split_prompt(f"1girl, {caption}, masterpiece")
    assert (split.tags, split.caption) == ("1girl, masterpiece", caption)
    tags = "1girl\uff0c\u957f\u53d1\uff0c\u84dd\u773c\u775b\uff0c\u767d\u8272\u88d9\u5b50"
    assert split_prompt(tags).tags == tags


@pytest.mark.parametrize(
    ("tags", "caption"),
    [
        # Names are tags, also long ones and several of them ...
        ("1girl, hatsune miku, wlop", "she stands on a rooftop at night"),
        ("the legend of zelda: breath of the wild, link", "Link stands on a cliff"),
        ("2girls, Hakurei Reimu, touhou", "Reimu and Marisa fly through a storm of bullets"),
        ("wlop, greg rutkowski and alphonse mucha", "a castle on a hill above the sea"),
        ("Castlevania: Symphony Of The Night, Red Dress", "a woman walks through a dark hall"),
        # ... but not within a sentence.
        ("vocaloid, 3girls", "A painting of Hatsune Miku, Kagamine Rin, and Megurine Luka."),
        ("touhou, hat", "The girl with the hat, Hakurei Reimu, smiles at her cat."),
        # Artists and styles.
        ("art by artgerm and greg rutkowski and magali villeneuve, 8k", "A man sits by the sea."),
        ("in the style of beksinski, trending on artstation", "a house by the lake at night"),
        # Phrases of tags with the words of sentences.
        ("1girl, looking to the side, standing on one leg", "a cat sleeps on a chair"),
        ("photo, 85mm f/1.4, film grain, soft light", "a young woman with freckles laughing"),
        # Lists within sentences.
        ("1girl, solo", "A plate with rice, carrots, bacon, and a small potato."),
        ("hat, coat", "She has 2 swords, 1 shield, and a helmet."),
        ("photo", "a woman with long hair, wearing a black jacket, jeans, and boots, on a bridge"),
        # Quotes.
        ("city, night", 'The sign says "Hello, world!" in red letters'),
        ("1girl, solo", 'she says "I love you, Ann." while smiling'),
    ],
)
def test_names_styles_lists_and_quotes(tags: str, caption: str) -> None:
    after = f"{caption} {tags}" if caption.endswith(".") else f"{caption}, {tags}"
    for text in (f"{tags}, {caption}", after, f"{tags}\n{caption}\n{tags}"):
        split = split_prompt(text)
        assert split.caption == caption, text
        assert split.tags in (tags, f"{tags}, {tags}")


@pytest.mark.parametrize(
    "caption",
    [
        "Corn, broccoli, and meat are on a plate.",
        "Soup, salad and sandwich sitting on a plate.",
        "Asuka, Rei and Misato sit around a small table eating cake.",
    ],
)
def test_a_sentence_that_begins_with_a_list(caption: str) -> None:
    assert split_prompt(f"{caption} 1girl, hat").caption == caption
    assert split_prompt(f"1girl, hat\n{caption}").caption == caption


def test_pieces_after_a_sentence_are_not_tags() -> None:
    split = split_prompt("hat, A cat sits. embedding:soft_light, A dog. __color__, tree")
    assert (split.tags, split.caption) == ("hat, tree", "A cat sits. A dog.")
    assert (split.networks, split.rest) == ("embedding:soft_light", "__color__")


def test_an_inch_mark_opens_no_quote() -> None:
    split = split_prompt('1girl, 12" vinyl, hat, A cat sits on a chair. smile, 7" single')
    assert split.caption == "A cat sits on a chair."


def test_ordinary_words_stay_tags() -> None:
    text = "original, highres, smile, an, it, still, north, red, book, window"
    assert split_prompt(text).tags == text


def test_long_texts_are_split_without_loss() -> None:
    for unit in ("1girl, hatsune miku, ", "and a, ", '"a, b" ', "a. embedding:x ", "\u5979\u5728"):
        text = unit * (20_000 // len(unit))
        assert "".join(part.text for part in split_prompt(text).parts) == text


def test_parts_are_verbatim_and_in_order() -> None:
    text = " 1girl ,A cat is here.\n"
    parts = split_prompt(text).parts
    assert [(part.text, part.side) for part in parts] == [
        (" ", Side.SEPARATOR),
        ("1girl", Side.TAGS),
        (" ,", Side.SEPARATOR),
        ("A cat is here.", Side.CAPTION),
        ("\n", Side.SEPARATOR),
    ]
    assert all(text[part.start : part.end] == part.text for part in parts)


@pytest.mark.parametrize(
    ("text", "tags", "caption"),
    [
        (
            "A cat sits on a mat, masterpiece, the mat is red",
            "masterpiece",
            "A cat sits on a mat, the mat is red",
        ),
        (
            "best quality, A girl walks in the rain, standing. She wears a red coat.",
            "best quality, standing",
            "A girl walks in the rain. She wears a red coat.",
        ),
        (
            "best quality, A knight rides a horse, armor. He holds a spear.",
            "best quality, armor",
            "A knight rides a horse. He holds a spear.",
        ),
        (
            "1girl, solo, A girl plays the violin, stage, spotlight, the hall is empty",
            "1girl, solo, stage, spotlight",
            "A girl plays the violin, the hall is empty",
        ),
        (
            "The train leaves the station, night, rain, people wave from the platform",
            "night, rain",
            "The train leaves the station, people wave from the platform",
        ),
        (
            "\u4e00\u4e2a\u5973\u5b69\u5728\u8bfb\u4e66\uff0c1girl\uff0c\u5979\u5728\u5fae\u7b11\u3002",
            "1girl",
            "\u4e00\u4e2a\u5973\u5b69\u5728\u8bfb\u4e66\u3002\u5979\u5728\u5fae\u7b11\u3002",
        ),
    ],
)
def test_a_caption_resumes_after_tags(text: str, tags: str, caption: str) -> None:
    split = split_prompt(text)
    assert (split.tags, split.caption) == (tags, caption)
    assert "".join(part.text for part in split.parts) == text


@pytest.mark.parametrize(
    "caption",
    [
        "A living room has a mirror, window, couch, chair, and television in it.",
        "A woman walks through the market, tired, alone, her bags are heavy.",
    ],
)
def test_a_list_inside_a_sentence_stays_in_it(caption: str) -> None:
    assert split_prompt(f"1girl, hat, {caption}").caption == caption
