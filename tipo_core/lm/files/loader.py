"""A model's files into a `Llama` and its tokenizer."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..kernels.fp16_linear import HalfLinear, HalfOperations
from ..kernels.int8_linear import IntegerMatrix, IntegerOperations
from ..model.config import LlamaConfig
from ..model.llama import Llama
from ..model.precision import FULL, Precision
from ..tokenizers.text_tokenizer import TextTokenizer
from .dots1_gguf import SharedHeads
from .fused_weights import FoldedNorms, FusedWeights, IntegerWeights, UntiedWeights, file_shapes
from .gguf_file import GgufWeights, read_config
from .gguf_header import read_header
from .gguf_tokenizer import gguf_tokenizer
from .moe_weights import StackedExperts
from .safetensors_file import SafetensorsWeights, shard_paths
from .weights import Weights, check, fill

_INDEX = "model.safetensors.index.json"
_PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt", "model.pth")


@dataclass(frozen=True)
class ModelFiles:
    """Where the parts of one model are.

    `path` is a folder in the Hugging Face layout, a `.safetensors` file with its config and its
    tokenizer beside it, or a `.gguf` file, which holds all three. Nothing is opened here.
    """

    path: Path

    @property
    def is_gguf(self) -> bool:
        """Whether the model is one GGUF file."""
        return self.path.suffix.lower() == ".gguf" and not self.path.is_dir()

    @property
    def folder(self) -> Path:
        """The folder that all parts are in."""
        is_file = self.path.suffix.lower() in (".gguf", ".safetensors") and not self.path.is_dir()
        return self.path.parent if is_file else self.path

    @property
    def config(self) -> Path:
        return self._found(self._config_names)

    @property
    def weights(self) -> Path:
        """The file of the tensors, or the index of several."""
        return self._found(self._weights_names)

    @property
    def tokenizer(self) -> Path:
        """The `tokenizer.json`, or the SentencePiece model where only that is there."""
        return self._found(self._tokenizer_names)

    @property
    def parts(self) -> tuple[Path, ...]:
        """The files that are there, shards included: when one is replaced, the model is another."""
        found = [self.config, self.weights, self.tokenizer]
        if self.weights.name == _INDEX and self.weights.is_file():
            with contextlib.suppress(ValueError):  # loading says it
                found += shard_paths(self.weights).values()
        return tuple(dict.fromkeys(path for path in found if path.is_file()))

    def check(self) -> None:
        """Raise FileNotFoundError, naming the file and where it belongs, if a part is missing."""
        for names in (self._config_names, self._weights_names, self._tokenizer_names):
            if self._found(names).is_file():
                continue
            pickle = next((name for name in _PICKLES if (self.folder / name).is_file()), "")
            instead = ""
            if pickle and names == self._weights_names:
                instead = f" ({pickle} is a pickle, which is never opened here)"
            raise FileNotFoundError(
                f"{' or '.join(names)} of the model {self.path.name!r} is missing{instead}: put it "
                f"into {self.folder}"
            )

    @property
    def _config_names(self) -> tuple[str, ...]:
        return self._names("config.json", own=f"{self.path.stem}.json")

    @property
    def _weights_names(self) -> tuple[str, ...]:
        return ("model.safetensors", _INDEX) if self.folder == self.path else (self.path.name,)

    @property
    def _tokenizer_names(self) -> tuple[str, ...]:
        return self._names("tokenizer.json", "tokenizer.model")

    def _names(self, *names: str, own: str = "") -> tuple[str, ...]:
        """Return what a part may be called, the first choice first."""
        if self.is_gguf:
            return (self.path.name,)
        return (own, *names) if own and self.folder != self.path else names

    def _found(self, names: tuple[str, ...]) -> Path:
        paths = [self.folder / name for name in names]
        return next((path for path in paths if path.is_file()), paths[0])


class PlainOperations:
    """`torch.nn`, but an embedding gets no first values: on the meta device they cost seconds."""

    Linear = nn.Linear
    RMSNorm = nn.RMSNorm

    class Embedding(nn.Embedding):
        def reset_parameters(self) -> None:
            """Leave the weights to the checkpoint."""


def load_llama(
    files: ModelFiles, precision: Precision = FULL, operations: Any = PlainOperations
) -> tuple[Llama, TextTokenizer]:
    """Return the model in `files`, on the CPU, and its tokenizer.

    `operations` makes the layers of a model that computes in floats. Raises FileNotFoundError for
    a missing part, ValueError for a damaged or unfitting one, and RuntimeError for a missing
    package.
    """
    files.check()
    weights: Weights
    if files.is_gguf:
        header = read_header(files.path)
        config = read_config(header)
        tokenizer = gguf_tokenizer(header)
        weights = GgufWeights(header, config)
    else:
        config = LlamaConfig.read(files.config)
        tokenizer = TextTokenizer.read(files.tokenizer)
        weights = SafetensorsWeights(files.weights)
    _check_sizes(files, config, tokenizer, weights)
    if config.experts:
        if files.is_gguf:
            weights = shared = SharedHeads(weights, config)
            config = replace(config, num_key_value_heads=shared.heads)
        weights = StackedExperts(weights, config)
    try:
        state = described(config, precision.dtype)
    except RuntimeError as error:  # torch, of a size below zero or beyond all memory
        raise ValueError(f"{files.config} describes no model ({error}): copy it again") from error
    check(weights, file_shapes(state, config), str(files.config), config.tie_word_embeddings)
    if precision.matrices is None:
        model = Llama(config, operations, dtype=precision.dtype, device="meta")
        fill(model, FusedWeights(weights, state, config), state)
    else:
        model = _kept_smaller(weights, config, precision)
    return model.eval().requires_grad_(False), tokenizer


def described(config: LlamaConfig, dtype: torch.dtype | None = None) -> dict[str, torch.Tensor]:
    """Return the state of a float model as `config` alone describes it, on the meta device.

    The layers of a host may have neither weights nor shapes before they are loaded.
    """
    # On the meta device nothing is initialised, so that no generator is touched and no time lost.
    return Llama(config, PlainOperations, dtype=dtype, device="meta").state_dict()


def _kept_smaller(weights: Weights, config: LlamaConfig, precision: Precision) -> Llama:
    """Return the model of `weights` that computes in fp32 with matrices of int8 or fp16."""
    if config.tie_word_embeddings:
        weights = UntiedWeights(weights)
        config = replace(config, tie_word_embeddings=False)
    folded = FoldedNorms(FusedWeights(weights, described(config), config))
    if precision.matrices is torch.int8:
        model = Llama(config, IntegerOperations, dtype=torch.float16, device="meta")
        fill(model, IntegerWeights(folded, config), model.state_dict())
    else:
        model = Llama(config, HalfOperations, dtype=torch.float16, device="meta")
        fill(model, folded, model.state_dict())
    if precision.dtype is torch.float32:
        _pack(model, weights.source)
    return model


def _pack(model: Llama, source: str) -> None:
    """Put all matrices into the order of the CPU's kernels."""
    layers = [
        (name, layer)
        for name, layer in model.named_modules()
        if isinstance(layer, (HalfLinear, IntegerMatrix))
    ]
    # The kernels' own packing takes one thread; a large matrix at the end would be waited for.
    layers.sort(key=lambda named: named[1].weight.numel(), reverse=True)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        packing = [(name, pool.submit(layer.pack)) for name, layer in layers]
        for name, done in packing:
            try:
                done.result()
            except ValueError as error:
                raise ValueError(
                    f"{name} of {source} cannot be used: {error}. Choose precision fp32, or copy "
                    "the model again."
                ) from error


def _check_sizes(
    files: ModelFiles, config: LlamaConfig, tokenizer: TextTokenizer, weights: Weights
) -> None:
    """Raise ValueError for parts of different models, before a model of that size is built."""
    if tokenizer.size > config.vocab_size:
        raise ValueError(
            f"{files.tokenizer} has {tokenizer.size} entries, the model {config.vocab_size}: "
            "take both from the same model"
        )
    ids = [id_ for id_ in (config.bos_token_id, *config.eos_token_ids) if id_ is not None]
    if not all(0 <= id_ < config.vocab_size for id_ in ids):
        raise ValueError(
            f"{files.config} names the special ids {ids}, the model has {config.vocab_size}: take "
            "all files from the same model"
        )
    if config.num_hidden_layers > len(weights.shapes):
        raise ValueError(
            f"{files.weights} has {len(weights.shapes)} tensors, {files.config} asks for "
            f"{config.num_hidden_layers} layers: take both from the same model"
        )
