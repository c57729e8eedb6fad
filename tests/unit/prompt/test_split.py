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
