"""Random damage of all kinds of model files: one clear error, or the weights of the file."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from gguf import GGMLQuantizationType as Quant
from safetensors.torch import load_file, save_file

from tipo_core.lm.files.fused_weights import to_hf_state_dict
from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.generate.engine import LlamaLanguageModel
from tipo_core.lm.generate.sampling_options import SamplingOptions
from tipo_core.lm.model.config import LlamaConfig

from ..conftest import MakeModel, random_state
from ..damage import damaged, gguf_weights, safetensors_weights
from ..gguf_models import plain_vocabulary, write_gguf

SEEDS = 40
KINDS = ("fp32 folder", "fp16 folder", "shards", "F32 gguf", "F16 gguf", "Q8_0 gguf")


def make(kind: str, folder: Path, make_model: MakeModel, config: LlamaConfig) -> ModelFiles:
    """Write a whole model of a kind."""
    folder.mkdir()
    if kind.endswith("gguf"):
        path = folder / "model.gguf"
        quant = Quant[kind.split()[0]]
        write_gguf(path, config, random_state(config), plain_vocabulary(config.vocab_size),
                   kind=lambda name: quant)  # fmt: skip
        return ModelFiles(path)
    shutil.copytree(make_model().folder, folder, dirs_exist_ok=True)
    files = ModelFiles(folder)
    tensors = load_file(files.weights)
    if kind == "fp16 folder":
        save_file({name: tensor.half() for name, tensor in tensors.items()}, files.weights)
    elif kind == "shards":
        files.weights.unlink()
        names = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
        placed = {name: names[n % 2] for n, name in enumerate(tensors)}
        for shard in names:
            some = {name: one for name, one in tensors.items() if placed[name] == shard}
            save_file(some, folder / shard)
        index = folder / "model.safetensors.index.json"
        index.write_text(f'{{"metadata": {{}}, "weight_map": {placed}}}'.replace("'", '"'))
    return files


def loaded(files: ModelFiles) -> dict[str, torch.Tensor]:
    """Return the weights of a model, and complete a text with it."""
    model, tokenizer = load_llama(files)
    options = SamplingOptions(max_new_tokens=3)
    language_model = LlamaLanguageModel(
        model, tokenizer, options, device=torch.device("cpu"), dtype=torch.float32
    )
    try:
        language_model.complete("tag: 1girl, abc \u2603,", seed=1)
    except RuntimeError as error:
        assert "the model's output is NaN or infinite" in str(error)
    return to_hf_state_dict(model.state_dict(), model.config)


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def foreign(files: ModelFiles, config: LlamaConfig) -> dict[str, torch.Tensor]:
    if files.is_gguf:
        return gguf_weights(files.path, config)
    found: dict[str, torch.Tensor] = {}
    for path in sorted(files.folder.glob("*.safetensors")):
        found |= safetensors_weights(path)
    return found


def check(
    kind: str, seed: int, files: ModelFiles, config: LlamaConfig, whole: dict[str, torch.Tensor]
) -> str:
    """Damage one file of a model, load it and restore it; return what came of it.

    Raises AssertionError for an unclear error or wrong weights; other errors pass through.
    """
    contents = {path.name: path.read_bytes() for path in files.folder.iterdir()}
    damage = damaged(random.Random(f"{kind} {seed}"), contents)
    path = files.folder / damage.name
    path.write_bytes(damage.content)
    try:
        weights = loaded(files)
        assert equal(weights, foreign(files, config)), f"wrong weights: {kind} {seed} {damage.kind}"
        if not damage.changes_weights:
            assert equal(weights, whole), f"silent: {kind} {seed} {damage.kind}"
        return "the file's weights" if damage.changes_weights else "the same weights"
    except (ValueError, FileNotFoundError) as error:
        message = str(error)
        assert str(files.folder) in message, f"unnamed: {kind} {seed} {damage.kind}: {message}"
        assert len(message) < 1500, f"long: {kind} {seed} {damage.kind}: {message[:300]}"
        return "refused"
    finally:
        path.write_bytes(contents[damage.name])


@pytest.fixture
def small(small_config: LlamaConfig) -> LlamaConfig:
    return replace(
        small_config, hidden_size=64, intermediate_size=64, head_dim=16, num_hidden_layers=2
    )


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_an_error_or_changes_no_weight(
    kind: str, tmp_path: Path, make_model: MakeModel, small: LlamaConfig
) -> None:
    files = make(kind, tmp_path / "model", make_model, small)
    whole = loaded(files)
    assert equal(whole, foreign(files, small))
    outcomes = [check(kind, seed, files, small, whole) for seed in range(SEEDS)]
    assert outcomes.count("refused") > SEEDS // 2
