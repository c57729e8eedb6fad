"""CLIP Text Encode inside ComfyUI: core's conditioning, weight formulas, schedules, reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from devkit.setup.host import Host
from tests.host.inside import run_inside


@pytest.fixture(scope="module")
def results(host: Host, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What encoded_prompts.py saw."""
    base = tmp_path_factory.mktemp("encoding")
    vectors = np.random.default_rng(0).normal(size=(2, 64)).astype(np.float32)
    save_file({"clip_l": vectors, "clip_g": vectors}, base / "two.safetensors")
    return run_inside(host, "image/hosted_encode.py", base, base)


def test_what_core_can_do_is_cores_own_to_the_last_bit(results: Any) -> None:
    # Schedules, AND and BREAK beside the core nodes that do the same, by hand.
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
    assert lines(results, "border") == [
        "l: 2 chunks, tokens of text 75 + 11",
        '  chunk 2 begins: "ten eleven twelve, a tiny | red house on a hill,"',
    ]
    assert lines(results, "break") == [
        "l: 2 chunks, tokens of text 3 + 3",
        '  chunk 2 begins: "a red cat | a blue dog"',
    ]


def test_report_shows_times_and_weights_of_clauses(results: Any) -> None:
    heads = lines(results, "times")[::2]
    tenths = "0 to 0.05, 0.1 to 0.15, 0.2 to 0.25, 0.3 to 0.35, ... (10 times), weight 0.5"
    assert heads[:2] == ['0 to 0.5: "a cat"', f'{tenths}: "x"']
    assert heads[3] == '0.5 to 1: "a dog"'


def test_report_says_what_does_not_apply(results: Any) -> None:
    assert lines(results, "texts", 3) == [
        "weight_interpretation comfy, token_normalization mean",
        "text_t5 does not apply: the model reads text with CLIP alone",
        "size 832 x 1216, crop at 8, 16, target 512 x 768",
        "g: 1 chunk, tokens of text 3",
        "l: 1 chunk, tokens of text 2",
    ]
    first, _, _, weights, text_g, size, *tokens = lines(results, "flux", 0)
    assert first.startswith("clip_skip 2 does not apply")
    assert weights.startswith("weight_interpretation compel, token_normalization none: do not")
    assert (text_g, size) == (
        "text_g does not apply: the model has no CLIP-G",
        "size does not apply: only SDXL is told sizes",
    )
    # BREAK is a word for T5.
    assert tokens == ["l: 1 chunk, tokens of text 2", "t5xxl: 1 chunk, tokens of text 6"]


def test_report_names_embeddings_that_are_left_out(results: Any) -> None:
    assert lines(results, "embeddings", 4) == [
        "g: embedding:none was not found, it is left out",
        "g: embeddings of 64 values left out, it reads 96",
        "l: embedding:none was not found, it is left out",
    ]
    assert lines(results, "glued", 3) == [
        "l: an embedding is read as words where no blank is before it"
    ]


def test_prompts_that_cannot_be_are_named(results: Any) -> None:
    said = results["reports"]
    assert said["AND"].startswith("AND splits one text into 3 prompts and another into 2: give")
    assert said["weight"].startswith("AND with the weight -1: ")
    assert said["many"].startswith("The prompt's schedules make more than 64 different texts")
