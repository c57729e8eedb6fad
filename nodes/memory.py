"""The only place where the language model meets ComfyUI's memory, progress and folder lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.model_patcher
import comfy.ops
import comfy.utils
import folder_paths
import torch

from ..tipo_core.lm.files.loader import load_llama
from ..tipo_core.lm.files.model_files import ModelFiles
from ..tipo_core.lm.generate.engine import LlamaLanguageModel
from ..tipo_core.lm.generate.token_sampling import SamplingOptions
from ..tipo_core.lm.hub.catalog import NANO, find_model, known_model, menu_entries, missing_model
from ..tipo_core.lm.model.precision import PRECISIONS, Precision, resolve
from ..tipo_core.memory import Rescue, with_second_try
from .fingerprint import state_of

# Where models are looked for: the pack's own folder first, then those of the packs that users of
# TIPO may come from.
FOLDER = "tipo"
_SUBFOLDERS = (FOLDER, "kgen", "LLM")
# Holds text encoders of other kinds too.
_SHARED = "text_encoders"
_PROGRESS_UNITS = 1000
# More than any device has: free_memory then unloads everything.
_EVERYTHING = 1e30

__all__ = [
    "NANO",
    "PRECISIONS",
    "HostedModel",
    "device_names",
    "download_folder",
    "files_fingerprint",
    "load_model",
    "model_folders",
    "model_labels",
    "model_names",
    "model_report",
    "name_problem",
    "progress",
]


def model_folders() -> list[Path]:
    """Return the folders that may hold TIPO models; of each name, ComfyUI's settings come first."""
    found = []
    for name in _SUBFOLDERS:
        found += [*_configured(name), Path(folder_paths.models_dir) / name]
    return list(dict.fromkeys(found))


def download_folder() -> Path:
    """Return the folder that downloads go to."""
    return model_folders()[0]


def _configured(name: str) -> list[Path]:
    """The folders that ComfyUI knows under this name, extra_model_paths.yaml included."""
    if name not in folder_paths.folder_names_and_paths:
        return []
    return [Path(path) for path in folder_paths.get_folder_paths(name)]


def _find(name: str) -> ModelFiles:
    return find_model(name, model_folders(), _configured(_SHARED))


def model_names() -> list[str]:
    """Return what the menu of models offers now; a name stays the same once the model is there."""
    return list(model_labels())


def model_labels() -> Mapping[str, str]:
    """Return how the menu shows each name: size, licence, and whether the model is there."""
    return {
        offer.name: offer.label for offer in menu_entries(model_folders(), _configured(_SHARED))
    }


def device_names(management: Any = comfy.model_management) -> list[str]:
    """Return the devices to choose from: ComfyUI's own choice, the CPU, and its accelerators."""
    names = [str(device) for device in _devices(management) if device.type != "cpu"]
    return list(dict.fromkeys(["auto", "cpu", *names]))


def _devices(management: Any) -> list[torch.device]:
    if hasattr(management, "get_all_torch_devices"):  # newer cores
        return list(management.get_all_torch_devices())
    chosen: torch.device = management.get_torch_device()
    backend = getattr(torch, chosen.type, None)
    # Of a kind that torch itself counts (cuda, which is ROCm too, xpu, npu) there may be more.
    if chosen.index is None or not hasattr(backend, "device_count"):
        return [chosen]
    return [chosen, *(torch.device(chosen.type, n) for n in range(backend.device_count()))]


def name_problem(name: str) -> str:
    """Return why no model called `name` can be had and what to do, or '' when it can."""
    if known_model(name):
        return ""
    try:
        _find(name)
    except FileNotFoundError as error:
        return str(error)
    return ""


@dataclass(frozen=True)
class HostedModel:
    """A language model under ComfyUI's model management; travels between nodes as TIPO_MODEL."""

    name: str
    patcher: Any
    tokenizer: Any
    precision: Precision

    def ready(self, options: SamplingOptions, answers: int = 1) -> LlamaLanguageModel:
        """Return the model to complete texts with, its weights on their device by now.

        ComfyUI makes room for the weights and for so many answers first. Where memory runs out all
        the same, now or in a completion, everything else leaves the device for a second try; after
        that a RuntimeError says what was needed and what to do.
        """

        def model(rescue: Rescue | None = None) -> LlamaLanguageModel:
            return LlamaLanguageModel(
                self.patcher.model,
                self.tokenizer,
                options,
                device=self.patcher.load_device,
                dtype=self.precision.dtype,
                rescue=rescue,
                weights_move=is_dynamic(self.patcher),
            )

        needed = model().memory_required(answers)

        def load() -> None:
            comfy.model_management.load_models_gpu([self.patcher], memory_required=needed)

        def make_room() -> None:
            comfy.model_management.free_memory(_EVERYTHING, self.patcher.load_device)
            comfy.model_management.soft_empty_cache()

        def make_room_and_load() -> None:
            make_room()
            load()

        advice = self._advice(needed)
        with_second_try(load, make_room, advice)
        return model(Rescue(make_room_and_load, advice))

    def _advice(self, needed: int) -> str:
        device = self.patcher.load_device
        remedies = ["a smaller model", "precision int8 or fp16"]
        if device.type != "cpu":
            remedies.append("device cpu")
        return (
            f"{device} has too little memory for {self.name}, which needs "
            f"{_megabytes(self.patcher.model_size())} for its weights ({self.precision.name}) and "
            f"up to {_megabytes(needed)} for a run: choose {', '.join(remedies[:-1])} or "
            f"{remedies[-1]} in Load TIPO Model, or close what else uses the memory"
        )


def is_dynamic(patcher: Any) -> bool:
    """Whether ComfyUI may move a model's weights during a run (DynamicVRAM, newer cores)."""
    return bool(getattr(patcher, "is_dynamic", bool)())


def load_model(name: str, device: str, precision: str) -> HostedModel:
    """Return the model called `name`, loaded on ComfyUI's offload device.

    A published model that is not there is downloaded first. Raises FileNotFoundError for a missing
    model or part, ValueError for a damaged one or an unknown device or precision, and
    DownloadError.
    """
    management = comfy.model_management
    if device == "auto":
        load_device = management.text_encoder_device()
        offload_device = management.text_encoder_offload_device()
    elif device in device_names():
        load_device = torch.device(device)
        offload_device = torch.device("cpu")
    else:
        raise ValueError(f"device {device!r} is not here: choose {', '.join(device_names())}")
    chosen = resolve(precision, load_device, management.text_encoder_dtype(load_device))
    files = _find_or_download(name)
    model, tokenizer = with_second_try(
        lambda: load_llama(files, precision=chosen, operations=comfy.ops.manual_cast),
        management.unload_all_models,
        f"there is too little memory to load {name} ({chosen.name}): choose a smaller model or "
        "precision int8 or fp16, or close what else uses the memory",
    )
    model.to(offload_device)
    # Newer cores choose another patcher at start: look the class up when it is needed.
    patcher_class = getattr(
        comfy.model_patcher, "CoreModelPatcher", comfy.model_patcher.ModelPatcher
    )
    patcher = patcher_class(model, load_device=load_device, offload_device=offload_device)
    return HostedModel(name, patcher, tokenizer, chosen)


def _find_or_download(name: str) -> ModelFiles:
    absent = missing_model(name, model_folders(), _configured(_SHARED))
    if absent:
        # Imported when there is something to download: most starts of ComfyUI need none of it.
        from ..tipo_core.lm.hub.download import download

        return ModelFiles(download(absent, download_folder(), byte_progress()))
    return _find(name)


def model_report(hosted: HostedModel) -> str:
    """Return what was loaded from where, and what else there is to choose from, as lines."""
    files = _find(hosted.name)
    known = known_model(hosted.name)
    size = _megabytes(hosted.patcher.model_size())
    lines = [
        f"{hosted.name}: {files.path}",
        f"{hosted.precision.name}, {size}, on {hosted.patcher.load_device}",
    ]
    if known:
        lines.append(f"{known.parameters} parameters, {known.licence}")
    others = [label for name, label in model_labels().items() if name != hosted.name]
    return "\n".join([*lines, "", "other models:", *others])


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def progress() -> Callable[[float], None]:
    """Return what shows the share that is done (0 to 1) on the running node.

    It raises ComfyUI's interrupt after a cancel, so that a run which reports every token stops
    within one.
    """
    bar = comfy.utils.ProgressBar(_PROGRESS_UNITS)

    def show(share: float) -> None:
        comfy.model_management.throw_exception_if_processing_interrupted()
        bar.update_absolute(int(share * _PROGRESS_UNITS), _PROGRESS_UNITS)

    return show


def byte_progress() -> Callable[[int, int], None]:
    """Return what shows the bytes that are done, of how many, on the running node.

    It raises ComfyUI's interrupt after a cancel. A message goes to the browser for each thousandth
    of the way, not for each packet of the network.
    """
    bar = comfy.utils.ProgressBar(0)
    shown = -1

    def show(done: int, total: int) -> None:
        nonlocal shown
        comfy.model_management.throw_exception_if_processing_interrupted()
        if total and done * _PROGRESS_UNITS // total != shown:
            shown = done * _PROGRESS_UNITS // total
            bar.update_absolute(done, total)

    return show


def files_fingerprint(name: str) -> str:
    """Return the state of a model's files, so that a replaced file is loaded anew."""
    try:
        return state_of(_find(name).existing)
    except FileNotFoundError:
        return ""
