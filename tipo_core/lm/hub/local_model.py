"""Load a model by name or path on the CPU, outside ComfyUI: for the library and the command line.

A file of its own because `catalog` must not import the engine.
"""

from __future__ import annotations

from pathlib import Path

import torch

from ..files.loader import load_llama
from ..files.model_files import ModelFiles
from ..generate.engine import LlamaLanguageModel
from ..generate.sampling_options import SamplingOptions
from ..model.precision import resolve
from .catalog import KNOWN_MODELS, NANO, known_model, shipped_model

_USUAL_MODEL = "TIPO-500M"


def load_local(name: str, options: SamplingOptions) -> LlamaLanguageModel:
    """Return the model `name` on the CPU: tipo-nano, or the path of a folder or file.

    Raises FileNotFoundError if the path does not exist, and the errors of `load_llama`.
    """
    files = shipped_model() if name == NANO else ModelFiles(Path(name))
    is_other_file = files.path.is_file() and files.folder == files.path
    if not name or not files.path.exists() or is_other_file:
        raise FileNotFoundError(
            f"there is no model {name!r}: give {NANO}, a folder with config.json, "
            f"model.safetensors and tokenizer.json, or a .gguf file{_download_hint(Path(name))}"
        )
    if files.folder == files.path:
        try:
            files.check()
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{error}{_download_hint(files.path)}") from None
    device = torch.device("cpu")
    precision = resolve("auto", device, torch.float16)
    model, tokenizer = load_llama(files, precision)
    return LlamaLanguageModel(
        model,
        tokenizer,
        options,
        device=device,
        dtype=precision.dtype,
        uses_pair_prior=name == NANO,
    )


def _download_hint(folder: Path) -> str:
    """The end of an error: how to download the model that a folder is named for, or another."""
    model = known_model(folder.name) or next(m for m in KNOWN_MODELS if m.name == _USUAL_MODEL)
    return f", or download a published model: {model.download_command(folder)}"
