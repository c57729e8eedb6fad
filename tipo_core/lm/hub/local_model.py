"""A model by its name, for the command line and for measuring: outside ComfyUI, on the CPU."""

from __future__ import annotations

from pathlib import Path

import torch

from ..files.loader import ModelFiles, load_llama
from ..generate.engine import LlamaLanguageModel
from ..generate.token_sampling import SamplingOptions
from ..model.precision import resolve
from .catalog import NANO, shipped_model


def load_local(name: str, options: SamplingOptions) -> LlamaLanguageModel:
    """Return the model `name` (the shipped one, a folder or a file) on the CPU.

    Raises FileNotFoundError where there is none.
    """
    files = shipped_model() if name == NANO else ModelFiles(Path(name))
    if not files.path.exists():
        raise FileNotFoundError(
            f"there is no model {name!r}: name {NANO}, a folder with config.json, "
            "model.safetensors and tokenizer.json, or a .gguf file"
        )
    device = torch.device("cpu")
    precision = resolve("auto", device, torch.float16)
    model, tokenizer = load_llama(files, precision)
    return LlamaLanguageModel(model, tokenizer, options, device=device, dtype=precision.dtype)
