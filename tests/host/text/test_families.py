"""Model families inside ComfyUI: guesses on real models, weights as its parser reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from devkit.setup.host import Host
from tests.host.inside import run_inside

MINE = {
    "label": "My SD1.5",
    "reads": "tags then prose",
    "template": "<|user|>",
    "encoders": [{"keys": ["l"], "name": "CLIP-L"}],
    "architectures": ["SD15"],
    "tokenizers": ["SD1Tokenizer"],
    "sources": [{"url": "https://example.org", "says": "mine"}],
}


@pytest.fixture(scope="module")
def results(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The results of hosted_families.py."""
    base = tmp_path_factory.mktemp("families")
    folder = base / "own"
    folder.mkdir()
    (folder / "mine.json").write_text(json.dumps(MINE))
    (folder / "broken.json").write_text("{")
    return run_inside(host, "text/hosted_families.py", base, folder)


EXPECTED = {
    **{"SD15": "sd15", "SD15_instructpix2pix": "sd15", "SDXL": "sdxl", "SSD1B": "sdxl"},
    **{"Segmind_Vega": "sdxl", "KOALA_700M": "sdxl", "KOALA_1B": "sdxl"},
    **{"SDXL_instructpix2pix": "sdxl", "SD3": "sd3", "Flux": "flux", "FluxInpaint": "flux"},
    **{"FluxSchnell": "flux-schnell", "Flux2": "flux2", "QwenImage": "qwen-image"},
    **{"ZImage": "z-image", "Chroma": "chroma", "ChromaRadiance": "chroma", "Anima": "anima"},
}


def test_each_architecture_of_a_preset_is_recognised(results: Any) -> None:
    found = results["architectures"]
    # Anima came after 0.3.75.
    absent = {name for name, shown in found.items() if shown is None}
    assert absent <= {"Anima"}
    assert {name: shown[0] for name, shown in found.items() if shown} == {
        name: family for name, family in EXPECTED.items() if name not in absent
    }
    assert found["Flux"][1] == "family: Flux.1 dev, from the architecture Flux"


def test_real_models_are_recognised_and_a_file_name_is_a_hint(results: Any) -> None:
    models = results["whole models"]
    assert models["SD15"][0] == ["sd15", "family: SD1.5, from the architecture SD15"]
    # SD1.5 has one family, so its file name does not matter.
    assert models["SD15"][1] == models["SD15"][0]
    base, named = models["SDXL"]
    assert base[0] == "sdxl" and "no file name points to none of them" in base[1]
    assert (
        named[0] == "pony" and "a guess from 'pony' in the file name 'x/ponyMix.ckpt'" in named[1]
    )


def test_a_text_encoder_shows_the_family_too(results: Any) -> None:
    found = results["encoders"]
    assert {name: found[name][0] for name in ("SD1", "SDXL", "SD3", "FLUX", "linked")} == {
        "SD1": "sd15", "SDXL": "sdxl", "SD3": "sd3", "FLUX": "flux", "linked": "pony",
    }  # fmt: skip
    assert found["nothing"] == [
        "",
        "warning: family: unknown: connect model or clip, or choose a family; the preset is used",
    ]


def test_comfyui_reads_the_users_tokens_and_weights_as_typed(results: Any) -> None:
    weights = results["weights"]
    assert not weights["unlike"]
    assert weights["count"] == 1250 and weights["with weights"] > 600


def test_tokens_are_counted_with_comfyuis_tokenizers(results: Any) -> None:
    found = results["counts"]
    for name in ("sd15", "sdxl", "sd3", "flux"):
        assert found[name]["own"] == found[name]["linked"], name
    assert sum(found["sd15"]["own"]["l"]) == 120 and len(found["sd15"]["own"]["l"]) == 2
    # T5 reads "a" as two tokens.
    assert found["sd3"]["own"]["t5xxl"] == found["flux"]["own"]["t5xxl"] == [4]
    # The words of the chat template are left out.
    assert found["qwen-image"]["own"]["qwen25_7b"] == [3]
    assert found["z-image"]["own"]["qwen3_4b"] == [3]
    assert found["long"] == {} and found["deep"] == {}


def test_qwen_reads_no_brackets_of_weights(results: Any) -> None:
    assert results["readings"] == {
        "typed": "(blue eyes:1.3), miku (append)",
        "made": "blue eyes, miku (append)",
    }


def test_families_of_the_user_are_found_and_a_broken_one_is_named(results: Any) -> None:
    found = results["own files"]
    assert found["menu"][:3] == ["none", "auto", "anima"] and {"mine", "broken"} < {*found["menu"]}
    assert found["mine"] == ["family: My SD1.5, as chosen (your file mine.json)"]
    label, (line, error) = found["auto"]
    assert label == "My SD1.5" and "tokenizer" in line.lower() and "(your file mine.json)" in line
    assert "broken.json cannot be used" in error
    assert "broken.json cannot be used" in found["broken"]
    assert "family '../mine' is unknown: choose none, auto, anima" in found["unknown"]
    assert found["none"] == []
    none, auto, mine = found["fingerprints"]
    assert none == "" and auto == mine != ""
