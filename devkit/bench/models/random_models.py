"""Random models for the benchmarks, in the sizes of the published models, written once."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from devkit.bench.models.llama_gguf import write_llama_gguf
from devkit.bench.models.word_chain import PLACES, Words, made_up_words
from devkit.messages import step
from devkit.setup.environment import check_free_space
from devkit.setup.layout import Layout
from tipo_core.lm.files.hf_config import hf_config
from tipo_core.lm.model.config import LlamaConfig

SEED = 0
# Of all matrices; rows of the chain of words get more from `teach`.
STD = 0.02
# Scale of an embedding: much larger than the layers' output, so that the next place is certain.
_LOUDNESS = 5.0
# Difference between the logits of the next place's entries and all others.
_MARGIN = 27.0
# Increase after any change of the written files.
_EDITION = 1

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Shape:
    """The sizes of a dense model."""

    name: str
    vocabulary: int
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    context: int = 2048

    @property
    def parameters(self) -> int:
        """Number of weights in the matrices."""
        layer = 4 * self.hidden**2 + 3 * self.hidden * self.feed_forward
        return 2 * self.vocabulary * self.hidden + self.layers * layer


TIPO_200M = Shape("tipo-200m", 32013, 768, 20, 12, 2304)
TIPO_500M = Shape("tipo-500m", 32013, 1280, 20, 20, 3840)


def words_of(shape: Shape, layout: Layout) -> Words:
    """Return the vocabulary of a model: tipo-nano's, extended."""
    nano = layout.root / "tipo_core" / "assets" / "tipo-nano" / "tokenizer.json"
    return made_up_words(nano, shape.vocabulary)


def config_of(shape: Shape, words: Words) -> LlamaConfig:
    """Return the config of a model: TIPO's, with the end tokens of its vocabulary."""
    return LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        head_dim=shape.hidden // shape.heads,
        max_position_embeddings=shape.context,
        rms_norm_eps=1e-5,
        rope_theta=1e4,
        tie_word_embeddings=False,
        bos_token_id=words.id_of("<s>"),
        eos_token_ids=(words.id_of("</s>"),),
    )


def random_weights(shape: Shape) -> Weights:
    """Return a model's weights under their Hugging Face names: the same on every call.

    They are fp32 with fp16's values, so that every file has the same values.
    """
    generator = torch.Generator().manual_seed(SEED)
    return {name: _random(size, generator) for name, size in _sizes(shape)}


def _random(size: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    if len(size) == 1:
        return torch.ones(size)
    return (torch.randn(size, generator=generator) * STD).half().float()


def _sizes(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, wide = shape.hidden, shape.feed_forward
    yield "model.embed_tokens.weight", (shape.vocabulary, hidden)
    for layer in range(shape.layers):
        prefix = f"model.layers.{layer}."
        yield prefix + "input_layernorm.weight", (hidden,)
        for matrix in ("q_proj", "k_proj", "v_proj", "o_proj"):
            yield f"{prefix}self_attn.{matrix}.weight", (hidden, hidden)
        yield prefix + "post_attention_layernorm.weight", (hidden,)
        yield prefix + "mlp.gate_proj.weight", (wide, hidden)
        yield prefix + "mlp.up_proj.weight", (wide, hidden)
        yield prefix + "mlp.down_proj.weight", (hidden, wide)
    yield "model.norm.weight", (hidden,)
    yield "lm_head.weight", (shape.vocabulary, hidden)


def teach(weights: Weights, words: Words) -> None:
    """Make random weights write the chain of words: each entry is followed by the next place.

    A place is a random direction. Embeddings of the entries that lead to the place, and output rows
    of the entries that fill it, have this direction; the layers in between add little noise.
    """
    embedding, head = weights["model.embed_tokens.weight"], weights["lm_head.weight"]
    rows, hidden = embedding.shape
    generator = torch.Generator().manual_seed(SEED + 1)
    # The last norm scales a state to length sqrt(hidden).
    directions = torch.nn.functional.normalize(
        torch.randn(PLACES, hidden, generator=generator), dim=-1
    )
    next_place = torch.tensor([words.leads_to.get(id_, 0) for id_ in range(rows)])
    embedding += _LOUDNESS * hidden**0.5 * directions[next_place]
    for id_, place in words.place.items():
        head[id_] += _MARGIN / hidden**0.5 * directions[place]
    for matrix in (embedding, head):
        matrix.copy_(matrix.half())


@dataclass(frozen=True)
class BenchModel:
    """The files of one model; each is written on first use."""

    shape: Shape
    layout: Layout

    def folder(self, dtype: torch.dtype = torch.float32) -> Path:
        """Return the model as a Hugging Face folder."""
        name = f"{self.shape.name}-{str(dtype).removeprefix('torch.')}"
        size = self.shape.parameters * dtype.itemsize
        return cached(self.layout, name, size, lambda path: self._write_folder(path, dtype))

    def gguf(self, kind: str) -> Path:
        """Return the model as a GGUF file of `kind`: F16 or Q8_0."""
        size = self.shape.parameters * (2.0 if kind == "F16" else 34 / 32)
        return cached(
            self.layout, f"{self.shape.name}-{kind}.gguf", size, lambda path: self._gguf(path, kind)
        )

    def _weights(self, words: Words) -> Weights:
        weights = random_weights(self.shape)
        teach(weights, words)
        return weights

    def _write_folder(self, path: Path, dtype: torch.dtype) -> None:
        words = words_of(self.shape, self.layout)
        weights = {name: one.to(dtype) for name, one in self._weights(words).items()}
        write_folder(path, config_of(self.shape, words), weights, words)

    def _gguf(self, path: Path, kind: str) -> None:
        words = words_of(self.shape, self.layout)
        write_llama_gguf(path, config_of(self.shape, words), self._weights(words), words, kind)


def write_folder(path: Path, config: LlamaConfig, weights: Weights, words: Words) -> None:
    """Write a model in the Hugging Face layout."""
    from safetensors.torch import save_file

    path.mkdir()
    save_file(weights, path / "model.safetensors", metadata={"format": "pt"})
    (path / "config.json").write_text(json.dumps(hf_config(config), indent=1), encoding="utf-8")
    text = json.dumps(words.tokenizer, ensure_ascii=False)
    (path / "tokenizer.json").write_text(text, encoding="utf-8")


def cached(layout: Layout, name: str, size: float, write: Callable[[Path], None]) -> Path:
    """Return a file or folder of the cache; it is written completely or not at all.

    `size` is its size in bytes, for the check of free disk space.
    """
    folder = layout.host / "bench"
    path = folder / f"{_EDITION}-{name}"
    if path.exists():
        return path
    what = f"write the random model {name}"
    folder.mkdir(parents=True, exist_ok=True)
    check_free_space(what, folder, size / 1e9)
    # Keeps a suffix such as .gguf.
    temporary = folder / f"{os.getpid()}.tmp-{name}"
    with step(what):
        try:
            write(temporary)
            temporary.replace(path)
        finally:
            if temporary.is_dir():
                shutil.rmtree(temporary)
            else:
                temporary.unlink(missing_ok=True)
    return path
