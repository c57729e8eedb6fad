"""A1111's syntax, the guards of weights, and embeddings, inside ComfyUI."""

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
def results(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The results of hosted_a1111.py."""
    base = tmp_path_factory.mktemp("a1111")
    folder = base / "embeddings"
    (folder / "sub").mkdir(parents=True)

    def save(path: Path, vectors: int, width_g: int = 96, value: float | None = None) -> None:
        source = np.random.default_rng(vectors)
        parts = {
            f"clip_{key}": source.normal(size=(vectors, width)).astype(np.float32)
            for key, width in {"l": 64, "g": width_g, "h": 64}.items()
        }
        if value is not None:
            parts = {key: np.full_like(part, value) for key, part in parts.items()}
        save_file(parts, path)

    save(folder / "two.safetensors", 2)
    save(folder / "three.safetensors", 3)
    save(folder / "sub" / "deep.safetensors", 4)
    save(folder / "narrow.safetensors", 1, width_g=64)
    save(folder / "zero.safetensors", 1, value=0.0)
    save(folder / "bad.safetensors", 1, value=float("nan"))
    save(base / "outside.safetensors", 1)
    return run_inside(host, "encoding/hosted_a1111.py", base, folder)


def test_tokens_and_weights_of_random_prompts_are_those_of_a1111(results: Any) -> None:
    found = results["tokens"]
    assert found["unlike"] == []
    assert found["compared"] == 1_000 and found["several chunks"] > 200


def test_conditioning_is_that_of_a1111(results: Any) -> None:
    assert len(results["conditioning"]) == 5
    assert not {text: error for text, error in results["conditioning"].items() if not error < 1e-4}


def test_weights_of_one_are_cores_encoding_to_the_bit(results: Any) -> None:
    assert results["not bit-equal"] == []


def test_no_weight_gives_nan_or_infinity(results: Any) -> None:
    assert results["not finite"] == []


def test_auto_is_a1111s_syntax_in_its_interpretation(results: Any) -> None:
    assert results["auto"] == [True, False]


def test_chunk_without_a_mean_is_not_scaled_back(results: Any) -> None:
    # Start, a, cat, end: the vectors times their weights, and nothing else.
    assert results["centred scales"] == pytest.approx([1, 1.3, 1, 1])
    reports = results["reports"]
    assert line_with(reports["mean"], "l: A1111", "not done for chunk 1, 3", "mean")
    assert "restores the mean" not in reports["has mean"]


def test_glued_embeddings_are_read_with_their_weights(results: Any) -> None:
    found = results["embeddings"]
    for name in ("glued", "glued weights", "words after", "word before", "missing", "glued SDXL"):
        assert found[name] == [True, True], name
    assert found["T5"] and found["no name"] and found["outside"]


def test_names_of_files_are_embeddings_in_a1111s_syntax_alone(results: Any) -> None:
    found = results["embeddings"]
    a, comma = found["tokens"]["a"], found["tokens"][","]
    two, three = [[64, 1.0]] * 2, [[64, 1.2]] * 3
    assert found["bare"][:-1] == [a, *two, *three, comma]
    assert len(found["bare in ComfyUI"]) == 2
    assert found["in brackets"] == [[64, pytest.approx(1 / 1.1)]] * 2 + [[64, 1.3]] * 4
    assert found["name in a name"] == found["tokens"]["twos"]


def test_words_that_look_like_syntax_are_reported(results: Any) -> None:
    comfy, a1111 = (results["reports"][name] for name in ("words", "words A1111"))
    assert line_with(comfy, "read as words", '"cat:1.2"')
    assert line_with(comfy, "read as words", '"<lora:x:1>"')
    assert line_with(comfy, "read as words", '"[b]"', "A1111")
    assert line_with(comfy, "read as words", "(c", "partner")
    assert line_with(a1111, "syntax A1111")
    assert line_with(a1111, "weights: ")
    assert line_with(a1111, "read as words", '"cat:1.2"')
    assert line_with(a1111, "<lora:x:1>", "left out")
    assert line_with(a1111, "read as words", '")"')
    assert line_with(a1111, "read as words", '"BREAK"')
    assert "[b]" not in a1111


def test_texts_in_which_words_are_sought_are_those_that_core_tokenizes(results: Any) -> None:
    assert results["unlike core's pieces"] == []


def test_embeddings_that_are_not_read_are_reported(results: Any) -> None:
    reports = results["reports"]
    assert line_with(reports["unfit"], "g: embedding narrow", "words")
    assert line_with(reports["unfit"], "embedding:none", "not found", "words")
    for report in (reports["unfit"], reports["unfit ComfyUI"]):
        assert line_with(report, "Embedding:two", "small letters")
    assert line_with(reports["unfit ComfyUI"], "l: embedding:none", "left out")
    for name in ("damaged", "damaged A1111"):
        assert line_with(reports[name], "'bad", "NaN", "damaged")


def test_what_does_not_apply_is_reported(results: Any) -> None:
    reports = results["reports"]
    assert line_with(reports["flux"], "syntax A1111", "t5xxl: ComfyUI")
    assert "syntax A1111" not in reports["flux auto"]
    assert line_with(reports["infinite"], "weights stay within 1000")
    assert reports["unknown"] == "syntax 'NovelAI': choose auto, ComfyUI, A1111"
    assert "nested too deeply" in reports["deep"] and "A1111" in reports["deep"]
    assert line_with(reports["schedule"], '"(a:1.2)', r"\(c\)")
    assert line_with(reports["schedule"], r"\[b\]")
