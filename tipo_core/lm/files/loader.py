"""Load a model's files into a `Llama` and its tokenizer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from ..kernels.fp16_linear import Fp16Linear, Fp16Operations
from ..kernels.int8_linear import Int8Matrix, Int8Operations
from ..model.config import LlamaConfig
from ..model.llama import Llama
from ..model.precision import FULL, Precision
from ..tokenizers.text_tokenizer import TextTokenizer
from .dots1_gguf import DeduplicatedKVHeads
from .fused_weights import (
    FoldedNorms,
    FusedWeights,
    Int8Weights,
    UntiedWeights,
    check_tied_head,
    hf_shapes,
)
from .gguf_file import GgufWeights, read_config
from .gguf_header import read_header
from .gguf_tokenizer import gguf_tokenizer
from .hf_config import read_hf_config
from .model_files import ModelFiles
from .moe_weights import StackedExpertWeights
from .safetensors_file import SafetensorsWeights
from .weights import Weights, assign_weights, check_shapes


class PlainOperations:
    """`torch.nn` without the initialization of embeddings, which takes seconds on meta tensors."""

    Linear = nn.Linear
    RMSNorm = nn.RMSNorm

    class Embedding(nn.Embedding):
        """An embedding whose weight is left to the checkpoint."""

        def reset_parameters(self) -> None:
            """Leave the weight uninitialized."""


def load_llama(
    files: ModelFiles, precision: Precision = FULL, operations: Any = PlainOperations
) -> tuple[Llama, TextTokenizer]:
    """Return the model in `files`, on the CPU, and its tokenizer.

    `operations` makes the layers of a model that is stored in the dtype of its computation; the
    others use the kernels of this package. Raises FileNotFoundError for a missing part, ValueError
    for a damaged part or parts of different models, and RuntimeError for a missing package.
    """
    files.check()
    weights: Weights
    if files.is_gguf:
        header = read_header(files.path)
        config = read_config(header)
        tokenizer = gguf_tokenizer(header)
        weights = GgufWeights(header, config)
    else:
        config = read_hf_config(files.config)
        tokenizer = TextTokenizer.read(files.tokenizer)
        weights = SafetensorsWeights(files.weights)
    _check_sizes(files, config, tokenizer, weights)
    if config.moe:
        if files.is_gguf:
            weights = deduplicated = DeduplicatedKVHeads(weights, config)
            config = replace(config, num_key_value_heads=deduplicated.heads)
        weights = StackedExpertWeights(weights, config)
    try:
        state = meta_state(config, precision.dtype)
    except RuntimeError as error:  # torch, for a size below zero or beyond all memory
        raise ValueError(
            f"{files.config} has sizes that no model can have ({error}): copy it again"
        ) from error
    check_shapes(weights, hf_shapes(state, config), str(files.config), config.tie_word_embeddings)
    if config.tie_word_embeddings:
        check_tied_head(weights, str(files.config))
    if precision.matrices is None:
        model = Llama(config, operations, dtype=precision.dtype, device="meta")
        assign_weights(model, FusedWeights(weights, state, config), state)
    else:
        model = _load_compact(weights, config, precision)
    return model.eval().requires_grad_(False), tokenizer


def meta_state(config: LlamaConfig, dtype: torch.dtype | None = None) -> dict[str, torch.Tensor]:
    """Return the state of a float model of `config`: shapes and dtypes, on the meta device.

    It is computed from the config because the layers of a host may have no weights before the
    first load. Nothing is initialized, so no random generator advances.
    """
    return Llama(config, PlainOperations, dtype=dtype, device="meta").state_dict()


def _load_compact(weights: Weights, config: LlamaConfig, precision: Precision) -> Llama:
    """Return the model of `weights` with int8 or fp16 matrices that computes in fp32."""
    if config.tie_word_embeddings:
        weights = UntiedWeights(weights)
        config = replace(config, tie_word_embeddings=False)
    folded = FoldedNorms(FusedWeights(weights, meta_state(config), config))
    if precision.matrices is torch.int8:
        model = Llama(config, Int8Operations, dtype=torch.float16, device="meta")
        assign_weights(model, Int8Weights(folded, config), model.state_dict())
    else:
        model = Llama(config, Fp16Operations, dtype=torch.float16, device="meta")
        assign_weights(model, folded, model.state_dict())
    if precision.dtype is torch.float32:
        _pack_layers(model, weights.source)
    return model


def _pack_layers(model: Llama, source: str) -> None:
    """Pack all matrices into the layout of the CPU's kernels."""
    layers = [
        (name, layer)
        for name, layer in model.named_modules()
        if isinstance(layer, (Fp16Linear, Int8Matrix))
    ]
    # Packing one matrix uses one thread, so the largest go first: none is left for the end.
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
    """Raise ValueError for parts of different models, before a model of their size is built."""
    if tokenizer.vocab_size > config.vocab_size:
        raise ValueError(
            f"{files.tokenizer} has {tokenizer.vocab_size} entries, the model "
            f"{config.vocab_size}: take both from the same model"
        )
    ids = [id_ for id_ in (config.bos_token_id, *config.eos_token_ids) if id_ is not None]
    if not all(0 <= id_ < config.vocab_size for id_ in ids):
        raise ValueError(
            f"{files.config} names the special ids {ids}, the model has {config.vocab_size} ids: "
            "take all files from the same model"
        )
    if config.num_hidden_layers > len(weights.shapes):
        raise ValueError(
            f"{files.weights} has {len(weights.shapes)} tensors, {files.config} asks for "
            f"{config.num_hidden_layers} layers: take both from the same model"
        )
