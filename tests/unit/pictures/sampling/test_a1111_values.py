"""Values and names of A1111's X/Y/Z plot, compared with its rules written again here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipo_core.pictures.sampling.axis import CHECKPOINT, PROMPT_SR, VAE, axis_of
from tipo_core.pictures.sampling.search_replace import Prompts, csv_values
from tipo_core.pictures.sampling.sweep import NEGATIVE, TEXT, sweep_of
from tipo_core.pictures.sampling.value_lists import NUMBERS, parse_values

SAMPLERS = """euler euler_cfg_pp euler_ancestral euler_ancestral_cfg_pp heun heunpp2 dpm_2
dpm_2_ancestral lms dpm_fast dpm_adaptive dpmpp_2s_ancestral dpmpp_sde dpmpp_sde_gpu dpmpp_2m
dpmpp_2m_sde dpmpp_2m_sde_gpu dpmpp_2m_sde_heun dpmpp_3m_sde ddpm lcm ddim uni_pc
uni_pc_bh2""".split()
SCHEDULERS = """simple sgm_uniform karras exponential ddim_uniform beta normal linear_quadratic
kl_optimal""".split()
FILES = ["sd15/anime-v3.safetensors", "sd15/anime-v3-pruned.safetensors", "xl\\Big One.safetensors"]
NAMES = {
    "sampler_name": SAMPLERS,
    "scheduler": SCHEDULERS,
    CHECKPOINT: FILES,
    VAE: ["vae-ft-mse.safetensors", "taesd", "checkpoint: sd15/anime-v3.safetensors"],
}
BASE: dict[str, Any] = {
    "seed": 1,
    "steps": 20,
    "cfg": 7.0,
    "sampler_name": "euler",
    "scheduler": "normal",
    "denoise": 1.0,
    "clip_skip": 0,
    "lora_strength": 1.0,
}


def by_a1111(parameter: str, start: float, end: float, step: float, count: int) -> list[float]:
    """A1111's values: Python's range or NumPy's arange with a step, NumPy's linspace with a count.

    Its arange may pass the end by a part of a step; such a value is left out here, as in a sweep.
    """
    if NUMBERS[parameter].is_whole:
        if count:
            return [int(value) for value in np.linspace(start, end, count)]
        return list(range(int(start), int(end) + 1, int(step)))
    if count:
        return [float(value) for value in np.linspace(start, end, count)]
    values = np.arange(start, end + step, step)
    return [float(value) for value in values if value <= end + 1e-9]


@given(
    st.sampled_from(["steps", "cfg", "seed", "lora_strength"]),
    st.integers(1, 40),
    st.integers(0, 40),
    st.integers(1, 8),
    st.sampled_from(
        ["{}-{}", "{}-{}(+{})", "{} - {} ({})", "{}-{}({})", "{}-{}[{}]", "{}-{} [{}]"]
    ),
)
def test_ranges_are_those_of_a1111(
    parameter: str, start: int, length: int, step: int, form: str
) -> None:
    end = start + length
    is_count, has_step = "[" in form, form.count("{}") == 3
    text = form.format(start, end, step)
    expected = by_a1111(parameter, start, end, step if has_step else 1, step if is_count else 0)
    assert parse_values(parameter, text, "column_values") == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("parameter", "text", "expected"),
    [
        ("cfg", "3-7(0.5)", [3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7]),
        ("steps", "1-10(+2)", [1, 3, 5, 7, 9]),
        ("steps", "1-10 [5]", [1, 3, 5, 7, 10]),
        ("cfg", "1-10 [5]", [1, 3.25, 5.5, 7.75, 10]),
        ("denoise", "0.2-0.8(+0.2), 1", [0.2, 0.4, 0.6, 0.8, 1]),
        ("clip_skip", "-2--1", [-2, -1]),
        ("lora_strength", "-1-1(0.5)", [-1, -0.5, 0, 0.5, 1]),
        ("steps", "10-1(-3)", [10, 7, 4, 1]),
        ("steps", "10-1(3)", [10, 7, 4, 1]),
        ("steps", "10-1 [4]", [10, 7, 4, 1]),
        ("steps", "7-5", [7, 6, 5]),
        ("seed", "5-9[1]", [5]),
        ("steps", "4\uff0c6-8", [4, 6, 7, 8]),
    ],
)
def test_typical_ranges(parameter: str, text: str, expected: list[float]) -> None:
    assert parse_values(parameter, text, "column_values") == expected


@pytest.mark.parametrize(
    ("parameter", "text", "named"),
    [
        ("steps", "1-10(+0)", "the step is 0"),
        ("steps", "10-1(+3)", "away from the end"),
        ("steps", "1-10[0]", "0 values"),
        ("steps", "1-10[401]", "has 401 values"),
        ("seed", "1-10[" + "9" * 99 + "]", "values, but a sweep draws at most 400"),
        ("cfg", "1-200", "cfg must be from 0 to 100; this entry has 200"),
        ("steps", "1.5-3", "takes whole numbers"),
        ("steps", "1-2-3", "is not a number"),
        ("cfg", "1..2-3", "'1..2' is not a number"),
    ],
)
def test_bad_ranges_are_named(parameter: str, text: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        parse_values(parameter, text, "column_values")


@pytest.mark.parametrize(
    ("text", "sampler", "scheduler"),
    [
        ("Euler a", "euler_ancestral", None),
        ("EULER", "euler", None),
        ("DPM++ 2M Karras", "dpmpp_2m", "karras"),
        ("DPM++ 2M", "dpmpp_2m", None),
        ("DPM++ 2M SDE", "dpmpp_2m_sde", None),
        ("DPM++ 2M SDE Exponential", "dpmpp_2m_sde", "exponential"),
        ("DPM++ 2M SDE Heun Karras", "dpmpp_2m_sde_heun", "karras"),
        ("DPM++ 3M SDE Karras", "dpmpp_3m_sde", "karras"),
        ("DPM++ 2S a Karras", "dpmpp_2s_ancestral", "karras"),
        ("DPM++ SDE Karras", "dpmpp_sde", "karras"),
        ("DPM2 a Karras", "dpm_2_ancestral", "karras"),
        ("DPM2", "dpm_2", None),
        ("DPM fast", "dpm_fast", None),
        ("DPM adaptive", "dpm_adaptive", None),
        ("LMS Karras", "lms", "karras"),
        ("UniPC", "uni_pc", None),
        ("DDIM", "ddim", None),
        ("LCM SGM Uniform", "lcm", "sgm_uniform"),
        ("Euler Uniform", "euler", "normal"),
        ("Euler CFG++", "euler_cfg_pp", None),
        ("k_euler_a", "euler_ancestral", None),
        ("k_dpmpp_2m_ka", "dpmpp_2m", "karras"),
        ("dpmpp 2m", "dpmpp_2m", None),
        ("dpmpp_2m_sde_gpu", "dpmpp_2m_sde_gpu", None),
    ],
)
def test_samplers_of_a1111(text: str, sampler: str, scheduler: str | None) -> None:
    axis, _ = axis_of("sampler_name", text, "column_values", NAMES)
    expected = {"sampler_name": sampler, **({"scheduler": scheduler} if scheduler else {})}
    assert axis.settings == (expected,)


def test_every_name_of_this_comfyui_is_itself() -> None:
    for parameter in ("sampler_name", "scheduler"):
        axis, _ = axis_of(parameter, ",".join(NAMES[parameter]), "column_values", NAMES)
        assert [setting[parameter] for setting in axis.settings] == NAMES[parameter]


def test_schedulers_of_a1111() -> None:
    text = "Karras, SGM Uniform, Uniform, DDIM, KL Optimal, Beta, EXPONENTIAL"
    axis, _ = axis_of("scheduler", text, "column_values", NAMES)
    assert [setting["scheduler"] for setting in axis.settings] == [
        *("karras", "sgm_uniform", "normal", "ddim_uniform", "kl_optimal", "beta", "exponential"),
    ]
    with pytest.raises(ValueError, match="there is no scheduler 'Turbo'"):
        axis_of("scheduler", "Turbo", "column_values", NAMES)


def test_a_sampler_with_a_scheduler_sets_both() -> None:
    sweep, report = sweep_of(BASE, "sampler_name", "Euler a, DPM++ 2M Karras", "cfg", "4, 6", NAMES)
    assert sweep.values_of("sampler_name") == ["euler_ancestral", "dpmpp_2m"] * 2
    assert sweep.values_of("scheduler") == ["normal", "karras"] * 2
    assert sweep.columns and sweep.columns.labels == (
        "sampler_name euler_ancestral",
        "sampler_name dpmpp_2m karras",
    )
    assert sweep.cell_names[1] == "cfg 4, sampler_name dpmpp_2m karras"
    assert "scheduler" not in report.splitlines()[-1]
    with pytest.raises(ValueError, match="leave the scheduler out"):
        sweep_of(BASE, "sampler_name", "DPM++ 2M Karras", "scheduler", "beta", NAMES)
    with pytest.raises(ValueError, match="leave the scheduler out"):
        sweep_of(BASE, "scheduler", "beta", "sampler_name", "DPM++ 2M Karras", NAMES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red, green, blue", ["red", "green", "blue"]),
        ('"dark, light","dark, green", heat', ["dark, light", "dark, green", "heat"]),
        ('a "b" c, d', ['a "b" c', "d"]),
        ('"say ""hi""", x', ['say "hi"', "x"]),
        ("cat,", ["cat", ""]),
        ("a\nb, c", ["a", "b", "c"]),
        ("<lora:x:0.5>, <lora:x:1>", ["<lora:x:0.5>", "<lora:x:1>"]),
    ],
)
def test_texts_are_csv(text: str, expected: list[str]) -> None:
    assert csv_values(text) == expected


def replaced_by_a1111(
    prompt: str, negative: str, steps: list[tuple[list[str], str]]
) -> tuple[str, str]:
    """Each axis in turn, columns first: its first text becomes the cell's text."""
    for texts, text in steps:
        assert texts[0] in prompt or texts[0] in negative
        prompt, negative = prompt.replace(texts[0], text), negative.replace(texts[0], text)
    return prompt, negative


def test_prompt_sr_on_both_axes() -> None:
    texts = {TEXT: "a red cat, red hat", NEGATIVE: "blurry, red"}
    columns, rows = ["red", "green", "blue, dark"], ["cat", "dog"]
    sweep, report = sweep_of(
        BASE | texts, PROMPT_SR, 'red, green, "blue, dark"', PROMPT_SR, "cat, dog", NAMES
    )
    expected = [
        replaced_by_a1111(texts[TEXT], texts[NEGATIVE], [(columns, column), (rows, row)])
        for row in rows
        for column in columns
    ]
    assert sweep.values_of(TEXT) == [prompt for prompt, _ in expected]
    assert sweep.values_of(NEGATIVE) == [negative for _, negative in expected]
    assert sweep.columns and sweep.columns.labels == ("red", "green", "blue, dark")
    assert sweep.cell_names[4] == "dog, green"
    assert sweep.values_of("cfg") == [7.0]
    assert 'columns: prompt S/R red, green, "blue, dark"' in report


def test_prompt_sr_beside_another_axis_and_without_one() -> None:
    texts = {TEXT: "a cat", NEGATIVE: ""}
    sweep, _ = sweep_of(BASE | texts, "cfg", "4, 6", PROMPT_SR, "cat, dog,", NAMES)
    assert sweep.values_of(TEXT) == ["a cat", "a cat", "a dog", "a dog", "a ", "a "]
    assert sweep.values_of(NEGATIVE) == [""] * 6
    assert sweep.rows and sweep.rows.labels == ("cat", "dog", "(empty)")
    plain, _ = sweep_of(BASE | texts, "cfg", "4, 6", "none", "", NAMES)
    assert plain.values_of(TEXT) == ["a cat"]


def test_a_comma_at_the_end_of_prompt_sr_is_named() -> None:
    """It is one more picture, without the text, as in A1111; often it is left by mistake."""
    texts = {TEXT: "a cat", NEGATIVE: ""}
    _, report = sweep_of(BASE | texts, "none", "", PROMPT_SR, "cat, dog, ", NAMES)
    assert "rows: prompt S/R cat, dog, (empty)" in report
    assert report.splitlines()[-1] == (
        "warning: row_values has an empty value: 1 picture is drawn without 'cat'; a comma at the "
        "end makes one"
    )
    _, report = sweep_of(BASE | texts, "cfg", "4, 6", PROMPT_SR, "cat,, dog", NAMES)
    assert "row_values has an empty value: 2 pictures are drawn" in report
    for values in ("cat, dog", '"cat", "dog"\n'):
        _, report = sweep_of(BASE | texts, "none", "", PROMPT_SR, values, NAMES)
        assert "empty" not in report


def test_a_text_that_is_not_found_is_named() -> None:
    texts = {TEXT: "a cat", NEGATIVE: "bad"}
    with pytest.raises(ValueError, match=r"row_values: 'dog' is in neither text nor negative_text"):
        sweep_of(BASE | texts, "none", "", PROMPT_SR, "dog, cat", NAMES)
    with pytest.raises(ValueError, match=r"column_values is empty: list the text"):
        sweep_of(BASE | texts, PROMPT_SR, " ", "none", "", NAMES)
    with pytest.raises(ValueError, match="column_values: text and negative_text are empty"):
        sweep_of(BASE | {TEXT: "", NEGATIVE: ""}, PROMPT_SR, "dog, cat", "none", "", NAMES)
    # Linked texts are not known yet when the graph is queued.
    sweep_of(BASE, PROMPT_SR, "dog, cat", "none", "", NAMES)
    assert Prompts("", "bad").replaced("bad", "good") == Prompts("", "good")


def test_long_texts_have_short_labels() -> None:
    axis, _ = axis_of(PROMPT_SR, f'cat, "{"long, " * 200}"', "column_values", NAMES)
    assert axis.labels[0] == "cat" and len(axis.labels[1]) <= 80
    assert len(axis.replacements[1]) > 1000


@pytest.mark.parametrize(
    ("parameter", "text", "expected"),
    [
        (CHECKPOINT, "sd15/anime-v3.safetensors", FILES[0]),
        (CHECKPOINT, "anime-v3", FILES[0]),
        (CHECKPOINT, "anime-v3.safetensors [1a2b3c4d]", FILES[0]),
        (CHECKPOINT, "PRUNED", FILES[1]),
        (CHECKPOINT, "anime", FILES[0]),
        (CHECKPOINT, "big_one", FILES[2]),
        (CHECKPOINT, "xl/Big One", FILES[2]),
        (VAE, "mse", "vae-ft-mse.safetensors"),
        (VAE, "Automatic", "Automatic"),
        (VAE, "None", "Automatic"),
        (VAE, "checkpoint: sd15/anime-v3.safetensors", "checkpoint: sd15/anime-v3.safetensors"),
    ],
)
def test_files_are_found_as_in_a1111(parameter: str, text: str, expected: str) -> None:
    """The exact name, or else the shortest path that has the text in it."""
    axis, _ = axis_of(parameter, text, "column_values", NAMES)
    assert axis.settings == ({parameter: expected},)


def test_files_have_short_labels_and_unknown_ones_are_named() -> None:
    sweep, report = sweep_of(BASE, CHECKPOINT, "anime-v3, big one", "cfg", "4, 6", NAMES)
    assert sweep.columns and sweep.columns.labels == ("checkpoint anime-v3", "checkpoint Big One")
    assert sweep.values_of(CHECKPOINT) == [FILES[0], FILES[2]] * 2
    assert sweep.values_of(VAE) == []
    assert "set rows to checkpoint" in report
    with pytest.raises(ValueError, match=r"row_values, entry 1: there is no checkpoint '\.\./x'"):
        sweep_of(BASE, "none", "", CHECKPOINT, "../x", NAMES)
    with pytest.raises(ValueError, match="there is no vae 'nope'"):
        sweep_of(BASE, "none", "", VAE, "nope", NAMES)


@pytest.mark.parametrize(
    ("parameter", "text", "expected"),
    [
        ("cfg", "3\u20137(0.5)", [3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7]),
        ("steps", "1\u201410 [5], 4 \u2212 6", [1, 3, 5, 7, 10, 4, 5, 6]),
        ("clip_skip", "\u22122:\u22121", [-2, -1]),
        ("clip_skip", "\u20122\u2013\u20101", [-2, -1]),
        ("steps", "\uff13\uff0d\uff17\uff08\uff0b\uff12\uff09", [3, 5, 7]),
        ("cfg", "\uff11\uff0e\uff15", [1.5]),
    ],
)
def test_other_dashes_and_wide_digits_are_read(
    parameter: str, text: str, expected: list[float]
) -> None:
    """Editors and web pages write a dash for the hyphen between two numbers."""
    assert parse_values(parameter, text, "column_values") == expected


@pytest.mark.parametrize("text", ["3\u00b2", "3\u20137\u20139", "\u2013", "\u0663"])
def test_other_characters_are_no_numbers(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}'.* is not a number"):
        parse_values("cfg", text, "column_values")


@pytest.mark.parametrize(
    "text", ["ddim uniform", "DDIM Uniform", "ddim_uniform", "DDIM ddim_uniform"]
)
def test_ddim_uniform_is_ddim_with_its_own_schedule(text: str) -> None:
    """A1111's DDIM takes every (1000 / steps)-th timestep, as ComfyUI's ddim_uniform does."""
    axis, _ = axis_of("sampler_name", text, "column_values", NAMES)
    assert axis.settings == ({"sampler_name": "ddim", "scheduler": "ddim_uniform"},)


@pytest.mark.parametrize(
    ("parameter", "text", "meant"),
    [
        ("sampler_name", "DPM++ 2M Karas", "dpmpp_2m karras"),
        ("sampler_name", "DPM+ 2M Karras", "dpmpp_2m karras"),
        ("sampler_name", "DMP++ 2M SDE", "dpmpp_2m_sde"),
        ("sampler_name", "Eular a", "euler_ancestral"),
        ("sampler_name", "Euler ancestrel", "euler_ancestral"),
        ("sampler_name", "DPM++ 2S a Karrras", "dpmpp_2s_ancestral karras"),
        ("sampler_name", "DPM++ 3M SDE Exponental", "dpmpp_3m_sde exponential"),
        ("sampler_name", "LCM SGM Unifrom", "lcm sgm_uniform"),
        ("sampler_name", "DPM\u2013fast", "dpm_fast"),
        ("sampler_name", "UniPCC", "uni_pc"),
        ("sampler_name", "dpmpp_2n", "dpmpp_2m"),
        ("scheduler", "Karas", "karras"),
        ("scheduler", "SGM Unifrom", "sgm_uniform"),
        ("scheduler", "KL Optimum", "kl_optimal"),
        ("scheduler", "Unifrom", "normal"),
    ],
)
def test_misspelt_names_of_a1111_have_a_near_match(parameter: str, text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"'{meant}'") as caught:
        axis_of(parameter, text, "column_values", NAMES)
    assert f"there is no {parameter} '{text}': did you mean '{meant}'?" in str(caught.value)
    # The remedy is an entry that is read.
    axis_of(parameter, meant, "column_values", NAMES)


def test_a_name_like_no_other_lists_the_choices() -> None:
    for text in ("Restart", "x", "\u732b", "a" * 10_000):
        with pytest.raises(ValueError, match="choose from euler, euler_cfg_pp") as caught:
            axis_of("sampler_name", text, "column_values", NAMES)
        assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("parameter", "text", "remedy"),
    [
        (
            "sampler_name",
            "Karras",
            "is a scheduler: write it after a sampler, as in 'euler karras'",
        ),
        ("sampler_name", "SGM Uniform", "as in 'euler sgm_uniform', or sweep scheduler"),
        ("scheduler", "Euler a", "is a sampler: sweep sampler_name, with .* 'euler_ancestral'"),
        ("scheduler", "DPM\\+\\+ 2M Karras", "is a sampler: .* 'dpmpp_2m karras'"),
    ],
)
def test_a_name_of_the_other_menu_says_so(parameter: str, text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=f"column_values, entry 1: '{text}' .*{remedy}"):
        axis_of(parameter, text.replace("\\", ""), "column_values", NAMES)
