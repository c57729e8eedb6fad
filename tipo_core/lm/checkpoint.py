"""A model's files into a `Llama`: every tensor is used, every parameter is filled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .config import LlamaConfig
from .llama import Llama
from .tokenizer import TextTokenizer

_SHOWN = 8


@dataclass(frozen=True)
class ModelFiles:
    """Where the parts of one model are: a folder in the Hugging Face layout."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config.json"

    @property
    def weights(self) -> Path:
        return self.folder / "model.safetensors"

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer.json"

    def check(self) -> None:
        """Raise FileNotFoundError, naming the file and where it belongs, if a part is missing."""
        for path in (self.config, self.weights, self.tokenizer):
            if not path.is_file():
                raise FileNotFoundError(
                    f"{path.name} of the model {self.folder.name!r} is missing: put it into "
                    f"{self.folder}"
                )


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a safetensors file; a damaged file is a ValueError that names it."""
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise RuntimeError(
            "the package 'safetensors' is missing: install it into the Python that runs ComfyUI "
            "with `python -m pip install safetensors`"
        ) from error
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged or incomplete ({error}): download it again") from error


def fill(model: Llama, tensors: dict[str, torch.Tensor], dtype: torch.dtype, source: str) -> None:
    """Give `model` the `tensors` in `dtype`; ones that do not fit are an error that lists them.

    Missing, extra and misshapen ones do not fit. Two kinds of extra tensors say nothing new and
    are left out: the rotary frequencies that old exports carry, and the output head of a model
    whose head is its embedding.
    """
    wanted = model.state_dict()
    given = {name: t for name, t in tensors.items() if not name.endswith("rotary_emb.inv_freq")}
    if model.config.tie_word_embeddings:
        given.pop("lm_head.weight", None)
    problems = [f"missing {name}" for name in wanted if name not in given]
    problems += [f"unknown {name}" for name in given if name not in wanted]
    problems += [
        f"{name} is {tuple(given[name].shape)} and should be {tuple(wanted[name].shape)}"
        for name in wanted
        if name in given and given[name].shape != wanted[name].shape
    ]
    if problems:
        more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise ValueError(
            f"{source} does not fit its config.json: {'; '.join(problems[:_SHOWN])}{more}. "
            "Copy both files from the same model."
        )
    # Assigned, not copied: the model is a shape without memory until here.
    model.load_state_dict({name: t.to(dtype) for name, t in given.items()}, assign=True)


class PlainOperations:
    """`torch.nn`, but an embedding gets no first values: on the meta device they cost seconds."""

    Linear = nn.Linear
    RMSNorm = nn.RMSNorm

    class Embedding(nn.Embedding):
        def reset_parameters(self) -> None:
            """Leave the weights to the checkpoint."""


def load_llama(
    files: ModelFiles, *, dtype: torch.dtype, operations: Any = PlainOperations
) -> tuple[Llama, TextTokenizer]:
    """Return the model in `files`, on the CPU in `dtype`, and its tokenizer.

    Raises FileNotFoundError for a missing part, ValueError for a damaged or unfitting one.
    """
    files.check()
    config = LlamaConfig.read(files.config)
    tokenizer = TextTokenizer(files.tokenizer)
    if tokenizer.size > config.vocab_size:
        raise ValueError(
            f"{files.tokenizer} has {tokenizer.size} entries, the model {config.vocab_size}: "
            "take both from the same model"
        )
    tensors = read_tensors(files.weights)
    # On the meta device nothing is initialised, so that no generator is touched and no time lost.
    model = Llama(config, operations, dtype=dtype, device="meta")
    fill(model, tensors, dtype, str(files.weights))
    return model.eval().requires_grad_(False), tokenizer
