"""The only place where the language model meets ComfyUI's memory, progress and folder lists."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.model_patcher
import comfy.ops
import comfy.utils
import folder_paths
import torch

from ..tipo_core.lm.catalog import NANO, find_model, present_models
from ..tipo_core.lm.checkpoint import load_llama
from ..tipo_core.lm.language_model import LlamaLanguageModel
from ..tipo_core.lm.sampling import SamplingOptions

# Where models are looked for: the pack's own folder first, then those of the packs that users of
# TIPO may come from.
FOLDER = "tipo"
_SUBFOLDERS = (FOLDER, "kgen", "LLM")
_PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
PRECISIONS = ("auto", *_PRECISIONS)
_PROGRESS_UNITS = 1000

__all__ = [
    "NANO",
    "PRECISIONS",
    "HostedModel",
    "device_names",
    "files_fingerprint",
    "load_model",
    "model_folders",
    "model_names",
    "name_problem",
    "progress",
]


def model_folders() -> list[Path]:
    """Return the folders that may hold TIPO models, ComfyUI's own settings first."""
    configured = []
    if FOLDER in folder_paths.folder_names_and_paths:
        configured = [Path(path) for path in folder_paths.get_folder_paths(FOLDER)]
    standard = [Path(folder_paths.models_dir) / name for name in _SUBFOLDERS]
    return list(dict.fromkeys([*configured, *standard]))


def model_names() -> list[str]:
    """Return what the menu of models offers now."""
    return list(present_models(model_folders()))


def device_names() -> list[str]:
    """Return the devices to choose from: ComfyUI's own choice, the CPU, and its accelerator."""
    accelerator = comfy.model_management.get_torch_device()
    names = ["auto", "cpu"]
    return names if accelerator.type == "cpu" else [*names, str(accelerator)]


def name_problem(name: str) -> str:
    """Return why there is no model called `name` and what to do, or '' when it is there."""
    try:
        find_model(name, model_folders())
    except FileNotFoundError as error:
        return str(error)
    return ""


@dataclass(frozen=True)
class HostedModel:
    """A language model under ComfyUI's model management; travels between nodes as TIPO_MODEL."""

    name: str
    patcher: Any
    tokenizer: Any
    dtype: torch.dtype

    def ready(self, options: SamplingOptions) -> LlamaLanguageModel:
        """Return the model to complete texts with, its weights on their device by now.

        ComfyUI makes room for the weights and for one run first.
        """
        model = LlamaLanguageModel(
            self.patcher.model,
            self.tokenizer,
            options,
            device=self.patcher.load_device,
            dtype=self.dtype,
        )
        comfy.model_management.load_models_gpu(
            [self.patcher], memory_required=model.memory_required()
        )
        return model


def load_model(name: str, device: str, precision: str) -> HostedModel:
    """Return the model called `name`, loaded on ComfyUI's offload device.

    Raises FileNotFoundError for a missing model or part, ValueError for a damaged one.
    """
    management = comfy.model_management
    files = find_model(name, model_folders())
    if device == "auto":
        load_device = management.text_encoder_device()
        offload_device = management.text_encoder_offload_device()
    elif device in device_names():
        load_device = torch.device(device)
        offload_device = torch.device("cpu")
    else:
        raise ValueError(f"device {device!r} is not here: choose {', '.join(device_names())}")
    if precision == "auto":
        # Half precision on a CPU is slower than fp32 and no smaller than the disk cache.
        is_cpu = management.is_device_cpu(load_device)
        dtype = torch.float32 if is_cpu else management.text_encoder_dtype(load_device)
    else:
        dtype = _PRECISIONS[precision]
    model, tokenizer = load_llama(files, dtype=dtype, operations=comfy.ops.manual_cast)
    model.to(offload_device)
    # Newer cores choose another patcher at start: look the class up when it is needed.
    patcher_class = getattr(
        comfy.model_patcher, "CoreModelPatcher", comfy.model_patcher.ModelPatcher
    )
    patcher = patcher_class(model, load_device=load_device, offload_device=offload_device)
    return HostedModel(name, patcher, tokenizer, dtype)


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


def files_fingerprint(name: str) -> tuple[tuple[str, float, int], ...]:
    """Return path, time and size of a model's files, so that a replaced file is loaded anew."""
    try:
        files = find_model(name, model_folders())
    except FileNotFoundError:
        return ()
    parts = (files.config, files.weights, files.tokenizer)
    stats = [(str(path), os.stat(path)) for path in parts if path.exists()]
    return tuple((path, stat.st_mtime, stat.st_size) for path, stat in stats)
