"""The language model in ComfyUI: folders, devices, cancel, streaming, out of memory, download."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from devkit.setup.host import Host
from tests.host.inside import run_inside
from tests.unit.lm.hub_server import HubServer
from tipo_core.lm.hub.catalog import KNOWN_MODELS, NANO

Found = dict[str, Any]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base directory and, beside it, a folder of models that a settings file names."""
    folder = tmp_path_factory.mktemp("hosted")
    for path in (
        "base/models/tipo",
        "base/models/kgen",
        "elsewhere/tipo",
        "elsewhere/llm",
        "elsewhere/te",
    ):
        (folder / path).mkdir(parents=True)
    for path in (
        "base/models/kgen/TIPO-500M_TIPO-500M_epoch5-F16.gguf",
        "elsewhere/llm/chat.gguf",
        "elsewhere/te/t5xxl.gguf",
        "elsewhere/te/my-TIPO.gguf",
    ):
        (folder / path).write_bytes(b"GGUF")
    lines = ["mine:", f"  base_path: {json.dumps(str(folder / 'elsewhere'))}"]
    lines += ["  tipo: tipo", "  LLM: llm", "  text_encoders: te"]
    (folder / "extra_model_paths.yaml").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def results(host: Host, repository: Path, base: Path) -> Found:
    """The results of hosted_model.py."""
    nano = repository / "tipo_core" / "assets" / NANO
    names = ("config.json", "tokenizer.json", "model.safetensors")
    with HubServer(
        {name: (nano / name).read_bytes() for name in names}, packet=1 << 16, seconds=0.004
    ) as hub:
        environ = {"HF_ENDPOINT": hub.url, "NO_PROXY": "127.0.0.1"}
        paths = base / "extra_model_paths.yaml"
        found: Found = run_inside(host, "model/hosted_model.py", base / "base", paths, environ)
    return found | {"fetched": hub.fetched("model.safetensors"), "size": len(hub.files[names[2]])}


def test_models_tipo_comes_first_then_where_others_have_them(results: Found, base: Path) -> None:
    standard = [str(base / "base" / "models" / name) for name in ("tipo", "kgen", "LLM")]
    assert results["folders"]["before"] == standard


def test_extra_model_paths_are_honoured(results: Found, base: Path) -> None:
    found = results["folders"]
    tipo, kgen, llm = (str(base / "base" / "models" / name) for name in ("tipo", "kgen", "LLM"))
    elsewhere = base / "elsewhere"
    assert found["after"] == [str(elsewhere / "tipo"), tipo, kgen, str(elsewhere / "llm"), llm]
    assert found["download"] == str(elsewhere / "tipo")
    known = [model.name for model in KNOWN_MODELS if model.name != "TIPO-500M"]
    assert found["names"] == [NANO, "TIPO-500M", "chat.gguf", "my-TIPO.gguf", *known]
    assert found["labels"]["TIPO-500M"] == "TIPO-500M (2.03 GB, kohaku-license-1.0)"


def test_devices_are_those_that_comfyui_and_torch_report(results: Found) -> None:
    found = results["choices"]
    assert found["here"] == ["auto", "cpu"]
    assert found["mps"] == ["auto", "cpu", "mps"]
    assert found["xpu"][:3] == ["auto", "cpu", "xpu:0"]
    assert found["newer"] == ["auto", "cpu", "xpu:0", "xpu:1"]


def test_unknown_choices_name_the_known_ones(results: Found) -> None:
    found = results["choices"]
    assert "'cuda:7'" in found["device"] and "choose auto, cpu" in found["device"]
    assert "'fp12'" in found["precision"] and "int8" in found["precision"]
    assert "'no-such-model'" in found["model"] and f"choose one of {NANO}" in found["model"]


def test_a_cancel_stops_within_one_token_and_leaves_nothing(results: Found) -> None:
    found = results["interrupt"]
    assert found["tokens"] == [1, 2, 3]
    assert "Interrupt" in found["error"]
    assert found["again"] == found["expected"]


def test_streamed_weights_write_the_same_text(results: Found) -> None:
    found = results["streamed"]
    if found["dynamic"]:
        assert found["again"] == found["expected"] and found["share"] < 0.1
        return
    assert found["lowvram"] == found["novram"] == found["expected"]
    assert found["novram share"] == 0 < found["lowvram share"] < 1


def test_out_of_memory_evicts_the_others_and_tries_once_more(results: Found) -> None:
    found = results["out_of_memory"]
    assert found["load"] == found["run"] == found["afterwards"] == found["expected"]
    assert found["others left"] and found["others left again"]


@pytest.mark.parametrize("when", ["load twice", "run twice"])
def test_out_of_memory_for_good_says_what_to_do(results: Found, when: str) -> None:
    error = results["out_of_memory"][when]
    assert error.startswith("RuntimeError: cpu has too little memory for tipo-nano, which needs ")
    assert " MB for its weights (fp32) and up to " in error
    assert "a smaller model" in error and "int8" in error


def test_a_published_model_is_downloaded_when_it_is_loaded(results: Found, base: Path) -> None:
    found = results["download"]
    folder = base / "elsewhere" / "tipo" / "TIPO-100M"
    assert found["before"] == "" and found["after"]
    done, total = found["last"]
    assert done == total == results["size"]
    assert found["messages"] < 2100
    assert found["report"].startswith(f"TIPO-100M: {folder}\n")
    assert "100 M parameters, apache-2.0" in found["report"]
    assert "TIPO-500M-ft (2.03 GB, kohaku-license-1.0, downloads when it runs)" in found["report"]
    assert "downloads" not in found["label"]
    assert found["problems"] == ["", ""]


def test_a_cancelled_download_goes_on_where_it_stopped(results: Found) -> None:
    found = results["download"]
    assert "Interrupt" in found["cancelled"]
    assert 0 < found["partial"] < results["size"]
    assert results["fetched"] == [None, f"bytes={found['partial']}-"]
