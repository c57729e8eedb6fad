"""CLIP Text Encode inside ComfyUI: core's conditioning, weight formulas, schedules, reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from devkit.setup.host import Host
from tests.host.inside import run_inside
from tests.host.report_lines import line_with


@pytest.fixture(scope="module")
def results(host: Host, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The results of hosted_encode.py."""
    base = tmp_path_factory.mktemp("encoding")
    vectors = np.random.default_rng(0).normal(size=(2, 64)).astype(np.float32)
    save_file({"clip_l": vectors, "clip_g": vectors}, base / "two.safetensors")
    return run_inside(host, "encoding/hosted_encode.py", base, base)


def test_what_core_can_do_is_cores_own_to_the_last_bit(results: Any) -> None:
    # Schedules, AND and BREAK, compared with graphs of core nodes that do the same.
    assert results["core"] == dict.fromkeys(results["core"], 0.0)
    assert len(results["core"]) == 28


@pytest.mark.parametrize("model", ["SD1", "SDXL"])
def test_weights_do_what_the_formulas_say(results: Any, model: str) -> None:
    far = {name: error for name, error in results[model].items() if not error < 1e-4}
    assert not far
    assert len(results[model]) == 20 * (7 if model == "SD1" else 2)


def test_pooled_output_is_that_of_the_words(results: Any) -> None:
    assert all(difference < 1e-5 for difference in results["pooled"].values())


def lines(results: Any, name: str, start: int = 2) -> list[str]:
    found: list[str] = results["reports"][name].splitlines()[start:]
    return found


def test_report_shows_where_chunks_begin(results: Any) -> None:
    border, with_break = lines(results, "border"), lines(results, "break")
    assert line_with(border, "l: 2 chunks", "75 + 11")
    assert line_with(border, "chunk 2", "ten eleven twelve, a tiny | red house on a hill,")
    assert line_with(with_break, "l: 2 chunks", "3 + 3")
    assert line_with(with_break, "chunk 2", "a red cat | a blue dog")


def test_report_shows_times_and_weights_of_clauses(results: Any) -> None:
    report = lines(results, "times")
    assert line_with(report, "steps 1 to 10", '"a cat"')
    assert line_with(report, "steps 1, 3, 5, 7", "10 ranges", "weight 0.5", '"x"')
    assert line_with(report, "steps 11 to 20", '"a dog"')
    assert line_with(report, "other samplers", "simple", "exact", "karras up to 4 steps")


def test_report_says_what_does_not_apply(results: Any) -> None:
    texts = lines(results, "texts", 3)
    assert line_with(texts, "weight_interpretation comfy", "token_normalization mean")
    assert line_with(texts, "text_t5 does not apply", "CLIP")
    assert line_with(texts, "832 x 1216", "8, 16", "512 x 768")
    assert line_with(texts, "g: 1 chunk", "3") and line_with(texts, "l: 1 chunk", "2")
    flux = lines(results, "flux", 0)
    assert line_with(flux, "clip_skip 2 does not apply")
    assert line_with(flux, "weight_interpretation compel", "do not apply")
    assert line_with(flux, "text_g does not apply", "CLIP-G")
    assert line_with(flux, "size does not apply", "SDXL")
    # BREAK is a word for T5.
    assert line_with(flux, "l: 1 chunk", "2") and line_with(flux, "t5xxl: 1 chunk", "6")


def test_report_names_embeddings_that_are_left_out(results: Any) -> None:
    report = lines(results, "embeddings", 4)
    for key in "gl":
        assert line_with(report, f"{key}: embedding:none", "not found", "left out")
    assert line_with(report, "g: ", "64 values", "left out", "96")
    assert "embedding" not in "".join(lines(results, "glued"))


def test_prompts_that_cannot_be_are_named(results: Any) -> None:
    said = results["reports"]
    assert said["AND"].startswith("AND splits one text into 3 prompts and another into 2: give")
    assert said["weight"].startswith("AND with the weight -1: ")
    assert said["many"].startswith("The prompt's schedules make more than 64 different texts")
