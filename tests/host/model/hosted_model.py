"""Load TIPO Model and its language model inside ComfyUI's own Python; prints results as JSON.

Run by test_hosted_model.py (see inside.py) with an extra_model_paths.yaml as its argument.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import comfy.model_management as management
import comfy.model_patcher
import comfy.utils
import torch

from tests.host.raised import raised

extra = sys.argv[1]
memory, hosted_model, models = (
    importlib.import_module(f"pack.nodes.{name}") for name in ("memory", "hosted_model", "models")
)
sampling = importlib.import_module("pack.tipo_core.lm.generate.token_sampling")

OPTIONS = sampling.SamplingOptions(max_new_tokens=24)
PROMPT = "quality: masterpiece\ntarget: <|long|>\ntag: 1girl, cat ears"
CPU = torch.device("cpu")


def text(model: Any, on_token: Callable[[int], None] | None = None) -> str:
    """Return the text of a completion."""
    return str(model.complete(PROMPT, seed=5, on_token=on_token, min_new_tokens=24).text)


def folders() -> dict[str, Any]:
    before = [str(path) for path in models.model_folders()]
    importlib.import_module("utils.extra_config").load_extra_path_config(extra)
    return {
        "before": before,
        "after": [str(path) for path in models.model_folders()],
        "download": str(models.download_folder()),
        "names": list(models.model_labels()),
        "labels": dict(models.model_labels()),
    }


def choices() -> dict[str, Any]:
    def devices(chosen: str, **newer: Any) -> list[str]:
        names: list[str] = memory.device_names(
            SimpleNamespace(get_torch_device=lambda: torch.device(chosen), **newer)
        )
        return names

    both = [torch.device("xpu:0"), torch.device("xpu:1"), CPU]
    return {
        "here": memory.device_names(),
        "mps": devices("mps"),
        "xpu": devices("xpu:0"),
        "newer": devices("xpu:0", get_all_torch_devices=lambda: both),
        "device": raised(lambda: models.load_model("tipo-nano", "cuda:7", "auto")),
        "precision": raised(lambda: models.load_model("tipo-nano", "auto", "fp12")),
        "model": raised(lambda: models.load_model("no-such-model", "auto", "auto")),
    }


def interrupt() -> dict[str, Any]:
    hosted = models.load_model("tipo-nano", "auto", "fp32")
    show, tokens = memory.progress(), []

    def on_token(count: int) -> None:
        tokens.append(count)
        if count == 3:
            management.interrupt_current_processing()
        show(count / 24)

    error = raised(lambda: text(hosted.ready(OPTIONS), on_token))
    return {
        "tokens": tokens,
        "error": error,
        "again": text(hosted.ready(OPTIONS)),
        "expected": text(models.load_model("tipo-nano", "auto", "fp32").ready(OPTIONS)),
    }


def streamed() -> dict[str, Any]:
    """Like --lowvram and --novram: most weights stay offloaded and are cast when used."""
    hosted = models.load_model("tipo-nano", "auto", "fp32")
    model = hosted.ready(OPTIONS)
    expected = text(model)
    management.free_memory(1e30, CPU)
    size = hosted.patcher.model_size()
    found = {"expected": expected, "dynamic": memory.is_dynamic(hosted.patcher)}
    if found["dynamic"]:  # streamed always
        hosted.patcher.load(CPU)
        found["share"] = hosted.patcher.loaded_size() / size
        return found | {"again": text(model)}
    for name, room in (("lowvram", size * 0.9), ("novram", 0.1)):
        hosted.patcher.load(CPU, lowvram_model_memory=room)
        found[name] = text(model)
        found[f"{name} share"] = hosted.patcher.loaded_size() / size
        hosted.patcher.detach()
    return found


class FailingPatcher(comfy.model_patcher.ModelPatcher):
    """A patcher whose device has no memory, a number of times."""

    failures = 0

    def partially_load(self, *given: Any, **named: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().partially_load(*given, **named)


def out_of_memory() -> dict[str, Any]:
    hosted = models.load_model("tipo-nano", "auto", "fp32")
    expected = text(hosted.ready(OPTIONS))
    other = models.load_model("tipo-nano", "auto", "fp32")

    def failing(times: int) -> Any:
        patcher = FailingPatcher(hosted.patcher.model, load_device=CPU, offload_device=CPU)
        patcher.failures = times
        return hosted_model.HostedModel("tipo-nano", patcher, hosted.tokenizer, hosted.precision)

    def is_loaded(one: Any) -> bool:
        return any(patcher is one.patcher for patcher in management.loaded_models())

    found: dict[str, Any] = {"expected": expected}
    other.ready(OPTIONS)
    once = failing(1)
    found["load"] = text(once.ready(OPTIONS))
    found["others left"] = not is_loaded(other)

    other.ready(OPTIONS)
    failed: list[int] = []

    def on_token(count: int) -> None:
        if count == 5 and not failed:
            failed.append(count)
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    found["run"] = text(once.ready(OPTIONS), on_token)
    found["others left again"] = not is_loaded(other) and is_loaded(once)

    def always(count: int) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    found["load twice"] = raised(lambda: failing(2).ready(OPTIONS))
    found["run twice"] = raised(lambda: text(once.ready(OPTIONS), always))
    found["afterwards"] = text(hosted.ready(OPTIONS))
    return found


def download() -> dict[str, Any]:
    """The hub is a server of the test's, which holds the small model under a published name."""
    shown: list[tuple[int, int]] = []

    def hook(value: int, total: int, preview: Any, node_id: Any = None) -> None:
        shown.append((value, total))
        if value > total // 2 and len(found) == 1:
            management.interrupt_current_processing()

    comfy.utils.set_progress_bar_global_hook(hook)
    found: dict[str, Any] = {"before": models.files_fingerprint("TIPO-100M")}
    found["cancelled"] = raised(lambda: models.load_model("TIPO-100M", "auto", "auto"))
    partial = sum(path.stat().st_size for path in models.download_folder().rglob("*.part"))
    found["partial"] = partial
    hosted = models.load_model("TIPO-100M", "auto", "auto")
    found["last"] = shown[-1]
    found["messages"] = len(shown)
    found["report"] = models.model_report(hosted)
    found["label"] = models.model_labels()["TIPO-100M"]
    found["after"] = models.files_fingerprint("TIPO-100M")
    found["problems"] = [models.name_problem(name) for name in ("TIPO-100M", "TIPO-500M")]
    return found


parts = (folders, choices, interrupt, streamed, out_of_memory, download)
print(json.dumps({part.__name__: part() for part in parts}, default=str))
