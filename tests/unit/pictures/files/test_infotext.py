from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipo_core.pictures.files.generation_settings import GenerationSettings
from tipo_core.pictures.files.infotext import infotext, quoted, sampler_name

WHOLE = GenerationSettings(
    positive="1girl, (rain:1.2)\nsecond line",
    negative="lowres, blurry",
    steps=20,
    sampler="dpmpp_2m",
    scheduler="karras",
    cfg=7.0,
    seed=2**64 - 1,
    model="model v1.5",
    vae="vae-ft-mse.safetensors",
    denoise=0.55,
    clip_skip=2,
)
ENTRY = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')


def read(text: str) -> dict[str, str]:
    """A plain reader of the format: the last line holds settings if it has three or more."""
    *lines, last = text.strip().split("\n")
    entries = ENTRY.findall(last)
    if len(entries) < 3:
        lines, entries = [*lines, last], []
    found = {key: json.loads(v) if v.startswith('"') else v for key, v in entries}
    negative = next((i for i, s in enumerate(lines) if s.startswith("Negative prompt:")), None)
    found["prompt"] = "\n".join(lines[:negative])
    if negative is not None:
        found["negative"] = "\n".join(lines[negative:]).removeprefix("Negative prompt: ")
    return found


def text_of(generation: GenerationSettings, text: str = "") -> str:
    return infotext(generation, text, (512, 768), "ComfyUI")


def test_whole_text_is_that_of_a1111() -> None:
    assert text_of(WHOLE) == (
        "1girl, (rain:1.2)\nsecond line\n"
        "Negative prompt: lowres, blurry\n"
        "Steps: 20, Sampler: DPM++ 2M Karras, Schedule type: Karras, CFG scale: 7, "
        "Seed: 18446744073709551615, Size: 512x768, Model: model v1.5, "
        "VAE: vae-ft-mse.safetensors, Denoising strength: 0.55, Clip skip: 2, Version: ComfyUI"
    )


def test_text_of_the_node_comes_before_that_of_the_graph() -> None:
    assert read(text_of(WHOLE, "expanded, prompt"))["prompt"] == "expanded, prompt"
    assert text_of(GenerationSettings(), "to the letter \n") == "to the letter \n"
    assert text_of(GenerationSettings(positive="from the graph")) == "from the graph"
    assert text_of(GenerationSettings()) == ""


def test_unknown_settings_are_left_out() -> None:
    found = read(text_of(GenerationSettings(steps=20, sampler="euler", denoise=1.0), "cat"))
    assert found == {
        "prompt": "cat",
        "Steps": "20",
        "Sampler": "Euler",
        "Size": "512x768",
        "Version": "ComfyUI",
    }
    assert "Negative" not in text_of(replace(WHOLE, negative=""))
    assert text_of(replace(WHOLE, positive=None)).startswith("Negative prompt: lowres")
    assert "CFG scale: 0," in text_of(replace(WHOLE, cfg=0.0))
    assert "Seed: 0," in text_of(replace(WHOLE, seed=0))


def test_without_steps_no_settings_are_taken_for_a_prompt() -> None:
    unknown = replace(WHOLE, steps=None)
    assert text_of(unknown) == "1girl, (rain:1.2)\nsecond line\nNegative prompt: lowres, blurry"
    assert text_of(replace(unknown, negative=None)) == WHOLE.positive


def test_denoise_of_zero_is_a_value() -> None:
    assert "Denoising strength: 0, " in text_of(replace(WHOLE, denoise=0.0))
    assert "Denoising" not in text_of(replace(WHOLE, denoise=1.0))
    assert "Denoising" not in text_of(replace(WHOLE, denoise=None))


def test_numbers_are_written_whole() -> None:
    assert "CFG scale: 6.123456789," in text_of(replace(WHOLE, cfg=6.123456789))
    assert "CFG scale: 7," in text_of(replace(WHOLE, cfg=7))


@pytest.mark.parametrize(
    ("sampler", "scheduler", "name"),
    [
        ("euler_ancestral", "normal", "Euler a"),
        ("euler", "exponential", "Euler Exponential"),
        ("dpmpp_2m_sde_gpu", "karras", "DPM++ 2M SDE Karras"),
        ("uni_pc", "simple", "UniPC"),
        ("res_multistep", "simple", "res_multistep_simple"),
        ("res_multistep", None, "res_multistep"),
        ("euler", "linear_quadratic", "Euler"),
        (None, "karras", None),
    ],
)
def test_samplers_have_the_names_of_a1111(
    sampler: str | None, scheduler: str | None, name: str | None
) -> None:
    assert sampler_name(sampler, scheduler) == name


NAME = st.text('a1 ,:;"\\\\\n\r\t{}\u732b\u2028', max_size=12)


@given(NAME, NAME)
@settings(max_examples=60, deadline=None)
def test_any_name_is_read_back(model: str, vae: str) -> None:
    found = read(text_of(replace(WHOLE, model=model, vae=vae)))
    assert (found["Model"], found["VAE"], found["Clip skip"]) == (model, vae, "2")


def test_plain_values_are_not_quoted() -> None:
    assert quoted("model v1.5 (final)") == "model v1.5 (final)"
    assert quoted("a, b") == '"a, b"'
    assert quoted('say "hi": now') == '"say \\"hi\\": now"'
    assert quoted("\u732b:") == '"\u732b:"'
