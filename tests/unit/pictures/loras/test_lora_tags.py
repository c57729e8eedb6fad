"""Tags of LoRAs in a prompt, compared with A1111's and prompt-control's reading of them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipo_core.pictures.loras.lora_tags import prompt_tags
from tipo_core.pictures.loras.tag_removal import without_tags


def as_a1111(prompt: str) -> list[tuple[str, float, float]]:
    """(name, model, text encoder) of each tag, by A1111's rules: a dict of named arguments, the
    others by position; the text encoder's weight first, the model's weight equal to it if absent.
    """
    found = []
    for items in re.findall(r"<lora:([^>]+)>", prompt):
        arguments = [item.split("=", 1) for item in items.split(":")]
        named = {pair[0]: pair[1] for pair in arguments if len(pair) == 2}
        name, *numbers = [pair[0] for pair in arguments if len(pair) == 1]
        encoder = float(named.get("te", numbers[0] if numbers else 1))
        model = float(named.get("unet", numbers[1] if len(numbers) > 1 else encoder))
        found.append((name, model, encoder))
    return found


def read(prompt: str, **options: bool) -> list[tuple[str, float, float]]:
    return [(tag.name, tag.model, tag.clip) for tag in prompt_tags(prompt, **options).loras]


numbers = st.sampled_from(["1", "0.8", "-0.5", ".25", "2.", "0", "+1", "1e-1"])
arguments = st.one_of(
    st.lists(numbers, max_size=2),
    st.lists(st.builds("{}={}".format, st.sampled_from(["te", "unet"]), numbers), max_size=2),
    st.tuples(numbers, st.builds("te={}".format, numbers)).map(list),
    st.tuples(numbers, st.builds("unet={}".format, numbers)).map(list),
)
tags = st.builds(
    lambda name, values: f"<lora:{':'.join([name, *values])}>",
    st.sampled_from(["style", "a b", "sd15/x", "v1.5 (fix)", "x.safetensors"]),
    arguments,
)


@given(st.lists(st.one_of(tags, st.sampled_from(["a cat", ", ", "(hat", ":1.2)", " "]))))
def test_weights_are_those_of_a1111(parts: list[str]) -> None:
    prompt = "".join(parts)
    assert read(prompt, clip_first=True) == as_a1111(prompt)


def test_two_numbers_are_model_and_clip() -> None:
    assert read("<lora:a:0.8:0.5>") == [("a", 0.8, 0.5)]
    assert read("<lora:a:0.8:0.5>", clip_first=True) == [("a", 0.5, 0.8)]
    assert read("<lyco:a:0.8> <LORA:b>") == [("a", 0.8, 0.8), ("b", 1.0, 1.0)]
    assert read("<lora: a : 0.8 >") == [("a", 0.8, 0.8)]
    assert read("<lora:a:>") == [("a", 1.0, 1.0)], "an unfinished tag"


def test_tags_in_groups_and_schedules_are_found_in_order() -> None:
    text = "<lora:a> (cat <lora:b:0.5>:1.2), [[<lora:c>::0.3]:dog:0.5] [<lora:d>|<lora:e>]"
    found = prompt_tags(text).loras
    assert [tag.name for tag in found] == list("abcde")
    assert [tag.is_timed for tag in found] == [False, False, True, True, True]


def test_escaped_and_commented_tags_are_text() -> None:
    text = "\\<lora:a:1> cat\n# <lora:b:1>\n<lora:c"
    assert not read(text)
    assert without_tags(text) == text


def test_other_networks_and_arguments_are_named() -> None:
    found = prompt_tags(
        "<hypernet:x:1> <lora:a:1:0.5:16> {<lora:b:1>|cat} <lora:c:lbw=IN02:step=3>"
    )
    assert found.unsupported == ("<hypernet:x:1>",)
    assert found.choices == ("{<lora:b:1>|cat}",)
    assert [tag.unused for tag in found.loras] == [("16",), ("lbw=IN02", "step=3")]


@pytest.mark.parametrize(
    ("tag", "named"),
    [
        ("<lora:a:strong>", "'strong' is not a weight"),
        ("<lora:a:nan>", "'nan' is not a weight"),
        ("<lora:a:1e999>", "'1e999' is not a weight"),
        ("<lora:a:te=>", "'' is not a weight"),
        ("<lora:a:0,8>", "'0,8' is not a weight"),
        ("<lora::1>", "has no name"),
        ("<lora:>", "has no name"),
    ],
)
def test_a_bad_tag_is_named(tag: str, named: str) -> None:
    with pytest.raises(ValueError, match=re.escape(tag)) as caught:
        prompt_tags(f"cat {tag}")
    assert named in str(caught.value)
