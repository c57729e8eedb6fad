"""The weights of LoRAs over time, keyframes, keys and the report."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.prompt.scanned import count_scanned
from tipo_core.pictures.loras.lora_keys import made_for, matching_keys
from tipo_core.pictures.loras.lora_report import AppliedLora, lora_lines
from tipo_core.pictures.loras.lora_schedule import LoraUse, keyframes, lora_uses
from tipo_core.pictures.loras.lora_tags import prompt_tags
from tipo_core.pictures.text.schedule_times import steps_of_a1111


def uses(text: str, steps: int = 8) -> tuple[LoraUse, ...]:
    return lora_uses(text, prompt_tags(text).loras, lambda tag: tag.name, steps)


def weights(text: str, steps: int = 8) -> dict[Any, Any]:
    return {(use.file, use.model, use.clip): use.ranges for use in uses(text, steps)}


def test_constant_weights_add_up_and_zero_is_left_out() -> None:
    assert weights("<lora:a:0.5> cat <lora:b> <lora:a:0.25:1>") == {
        ("a", 0.75, 1.5): (),
        ("b", 1.0, 1.0): (),
    }
    assert weights("<lora:a:0.5><lora:a:-0.5> <lora:b:0> <lora:c:0:1>") == {("c", 0.0, 1.0): ()}
    assert list(weights("<lora:b> <lora:a> <lora:b>")) == [("b", 2.0, 2.0), ("a", 1.0, 1.0)]


def test_times_of_schedules() -> None:
    assert weights("[<lora:a:1>::0.5]") == {("a", 1.0, 1.0): ((0.0, 0.5),)}
    assert weights("[<lora:a:1>:<lora:b:1>:0.25] [cat:dog:0.5]") == {
        ("a", 1.0, 1.0): ((0.0, 0.25),),
        ("b", 1.0, 1.0): ((0.25, 1.0),),
    }
    assert weights("[<lora:a:1>:2]") == {("a", 1.0, 1.0): ((0.25, 1.0),)}
    assert weights("[<lora:a:1>|cat]", 4) == {("a", 1.0, 1.0): ((0.0, 0.25), (0.5, 0.75))}
    assert weights("<lora:a:1> [<lora:a:0.5>::0.5]") == {
        ("a", 1.5, 1.5): ((0.0, 0.5),),
        ("a", 1.0, 1.0): ((0.5, 1.0),),
    }
    assert weights("[<lora:a:1>:<lora:a:1>:0.5]") == {("a", 1.0, 1.0): ()}
    assert weights("[<lora:a:1>:0.2,0.6]", 10) == {("a", 1.0, 1.0): ((0.2, 0.6),)}
    # As the words of a prompt, LoRAs change at whole steps.
    assert weights("[<lora:a:1>:0.2,0.6]") == {("a", 1.0, 1.0): ((0.125, 0.5),)}


@pytest.mark.parametrize(
    ("time", "borders"), [("0.29", {14: 4, 30: 8, 40: 11, 100: 28}), ("8", {14: 8, 100: 8})]
)
def test_borders_hold_for_a_sampler_of_any_number_of_steps(
    time: str, borders: dict[int, int]
) -> None:
    (use,) = uses(f"[<lora:a:1>::{time}]", steps=20)
    border = keyframes(use)[1].time
    assert border is not None
    assert {steps: steps_of_a1111(steps)(border) for steps in borders} == borders


def test_files_that_are_left_out_have_no_times() -> None:
    text = "[<lora:a:1>:<lora:b:1>:0.5]"
    found = lora_uses(text, prompt_tags(text).loras, lambda tag: {"b": "f"}.get(tag.name), 8)
    assert [use.file for use in found] == ["f"]


def test_the_text_of_each_alternative_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "[<lora:a:1>|<lora:b:1>] " + "a cat, (hat:1.2), <lora:c:0.5>,\n" * 1000
    scanned = count_scanned(monkeypatch)
    assert len(uses(text, steps=100)) == 3
    assert scanned() < 10 * len(text)


def test_too_many_changes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"more than 200 times.*schedule_steps"):
        uses("[<lora:a:1>|<lora:b:1>]", steps=1000)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8, unique=True).map(sorted))
def test_keyframes_switch_on_in_the_ranges_alone(borders: list[float]) -> None:
    borders = borders[: len(borders) // 2 * 2]
    ranges = tuple(zip(borders[::2], borders[1::2], strict=True))
    # Other times, in the same order, for ComfyUI's other samplers.
    percents = tuple((start / 2, end if end == 1 else end / 2) for start, end in ranges)
    frames = keyframes(LoraUse("a", 1, 1, ranges, percents, ((None, None),) * len(ranges)))
    assert frames == sorted(frames, key=lambda frame: frame[0])
    # The first keyframe counts from the first step on.
    assert frames[0].percent == frames[0].share == 0
    assert all(frame.percent == frame.share / 2 for frame in frames)
    for moment in [*borders, *(sum(pair) / 2 for pair in pairwise(borders))]:
        strength = [frame.strength for frame in frames if frame.share <= moment][-1]
        is_last = moment == 1
        assert is_last or strength == any(start <= moment < end for start, end in ranges)


def test_keys_belong_to_the_modules_of_a_model() -> None:
    modules = {"lora_unet_a_b", "diffusion_model.a.b", "unet.down.attn.to_q"}
    names = [
        "lora_unet_a_b.lora_up.weight",
        "lora_unet_a_b.alpha",
        "lora_unet_a_bc.alpha",
        "diffusion_model.a.b.lora_A.default.weight",
        "unet.down.attn.to_q_lora.up.weight",
        "lora_unet_a_b",
    ]
    assert matching_keys(names, modules) == [names[0], names[1], names[3], names[4]]


@pytest.mark.parametrize(
    ("names", "metadata", "expected"),
    [
        (["lora_te2_text_model_x.alpha"], {}, "for SDXL"),
        (["lora_unet_double_blocks_0_img_attn_qkv.alpha"], {}, "for Flux"),
        (["lora_unet_down_blocks_0_x.alpha"], {}, "for SD1.x or SD2.x"),
        (["x.y"], {"ss_base_model_version": "sd_v1"}, "for 'sd_v1'"),
        (["x.y"], {}, "such as 'x.y'"),
    ],
)
def test_the_model_of_a_file_is_guessed(
    names: list[str], metadata: dict[str, str], expected: str
) -> None:
    assert made_for(names, metadata) == expected


def test_report_lines() -> None:
    timed = LoraUse("a.safetensors", 0.8, 0.5, ((0.0, 0.5),), ((0.0, 0.4999),))
    tags = prompt_tags("<hypernet:h:1> {<lora:a:1>|b} <lora:c:1:dyn=4>")
    lines = lora_lines(
        [
            AppliedLora(timed, 12, 8, 4),
            AppliedLora(LoraUse("b", 1, 1), 12, 8, 0, has_clip=False),
            AppliedLora(LoraUse("c", 1, 1), 12, 0, 0, "for SDXL"),
        ],
        tags,
        ["<lora:z:1>: left out"],
    )
    assert lines[0] == (
        "LoRA 'a.safetensors': model 0.8, clip 0.5, at 0 to 0.5 of the schedule; 12 of 12 keys "
        "applied (8 in the model, 4 in the text encoder)"
    )
    assert lines[1].endswith("4 not applied: no clip is connected")
    (line,) = lora_lines([AppliedLora(timed, 12, 8, 0, has_clip=False)], prompt_tags(""), [])
    assert line.endswith("only through the output hooks: connect a clip")
    assert "none of its 12 keys" in lines[2] and "for SDXL" in lines[2]
    assert lines[3] == "<lora:z:1>: left out"
    assert [line.startswith("warning: ") for line in lines[:5]] == [False, False, True, False, True]
    assert [line.removeprefix("warning: ").partition(":")[0] for line in lines[4:]] == [
        "<lora",
        "<hypernet",
        "{<lora",
    ]
    assert lora_lines([], prompt_tags("cat"), []) == ["no LoRA in the text"]
