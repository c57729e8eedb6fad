"""Safetensors: one file or shards, in a folder or alone; each invalid one is named."""

from __future__ import annotations

import json
import pickle
import shutil
from itertools import product
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tipo_core.lm.files.fused_weights import to_hf_state_dict
from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.model.precision import resolve

from ..conftest import MakeModel, rewrite

INDEX = "model.safetensors.index.json"
FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


def load(files: ModelFiles) -> dict[str, torch.Tensor]:
    model, _ = load_llama(files)
    return to_hf_state_dict(model.state_dict(), model.config)


def refused(files: ModelFiles, words: str, named: Path) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        load(files)
    assert str(named) in str(caught.value)


@pytest.fixture
def sharded(make_model: MakeModel) -> ModelFiles:
    """A model in two shards."""
    files = make_model()
    tensors = load_file(files.weights)
    files.weights.unlink()
    placed = {name: (FIRST, SECOND)[n % 2] for n, name in enumerate(tensors)}
    for shard in (FIRST, SECOND):
        some = {name: tensor for name, tensor in tensors.items() if placed[name] == shard}
        save_file(some, files.folder / shard)
    (files.folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": placed}))
    return files


@pytest.fixture
def alone(make_model: MakeModel, tmp_path: Path) -> ModelFiles:
    """A model file with its config and its tokenizer in one folder."""
    files = make_model()
    shutil.copy(files.weights, tmp_path / "small.safetensors")
    shutil.copy(files.config, tmp_path / "config.json")
    shutil.copy(files.tokenizer, tmp_path / "tokenizer.json")
    return ModelFiles(tmp_path / "small.safetensors")


def test_shards_make_the_same_model(sharded: ModelFiles, make_model: MakeModel) -> None:
    whole, parts = load(make_model()), load(sharded)
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert [path.name for path in sharded.existing] == [
        "config.json", INDEX, "tokenizer.json", FIRST, SECOND
    ]  # fmt: skip


def test_missing_shards_are_all_named(sharded: ModelFiles) -> None:
    (sharded.folder / SECOND).unlink()
    with pytest.raises(FileNotFoundError, match=f"1 of 2 shards .* put {SECOND} into"):
        load(sharded)
    (sharded.folder / FIRST).unlink()
    with pytest.raises(FileNotFoundError, match=f"2 of 2 shards .* put {FIRST}, {SECOND} into"):
        load(sharded)


@pytest.mark.parametrize(
    "shard",
    ["../model.safetensors", "/etc/model.safetensors", "sub/model.safetensors",
     "..\\model.safetensors", "C:model.safetensors", "model.bin", "", ".."],
)  # fmt: skip
def test_an_index_stays_in_its_folder(sharded: ModelFiles, shard: str) -> None:
    change = lambda values: values["weight_map"].update({"model.norm.weight": shard})  # noqa: E731
    rewrite(sharded.folder / INDEX, change)
    refused(sharded, "names .* which is not a safetensors file in its own folder", sharded.weights)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"weight_map": 3}', '{"weight_map": null}', '{"weight_map": []}']
)
def test_a_broken_index_is_named(sharded: ModelFiles, text: str) -> None:
    sharded.weights.write_text(text)
    refused(sharded, "is not (valid JSON|an index of safetensors files)", sharded.weights)
    assert len(sharded.existing) == 3


def test_an_index_must_agree_with_its_shards(sharded: ModelFiles) -> None:
    names = list(load_file(sharded.folder / FIRST))
    rewrite(sharded.weights, lambda values: values["weight_map"].pop(names[0]))  # type: ignore[attr-defined]
    refused(sharded, f"does not agree with its shards about {names[0]}", sharded.weights)


def test_a_tensor_in_two_shards_is_refused(sharded: ModelFiles) -> None:
    first, second = (load_file(sharded.folder / shard) for shard in (FIRST, SECOND))
    name = next(iter(first))
    save_file({**second, name: first[name]}, sharded.folder / SECOND)
    refused(sharded, f"does not agree with its shards about {name}", sharded.weights)


def test_a_damaged_shard_is_named(sharded: ModelFiles) -> None:
    path = sharded.folder / SECOND
    path.write_bytes(path.read_bytes()[:-5])
    refused(sharded, "damaged or incomplete", path)


@pytest.mark.parametrize("config", ["config.json", "small.json"])
def test_a_single_file_uses_the_config_in_its_folder(alone: ModelFiles, config: str) -> None:
    (alone.folder / "config.json").rename(alone.folder / config)
    assert alone.config.name == config
    assert len(load(alone)) == len(load_file(alone.weights))


def test_a_config_of_the_same_name_comes_first(alone: ModelFiles) -> None:
    shutil.copy(alone.folder / "config.json", alone.folder / "small.json")
    (alone.folder / "config.json").write_text("{}")
    load(alone)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("config.json", r"small\.json or config\.json"),
        ("tokenizer.json", r"tokenizer\.json or tokenizer\.model"),
        ("small.safetensors", r"small\.safetensors"),
    ],
)
def test_a_missing_part_of_a_single_file_is_named(alone: ModelFiles, name: str, words: str) -> None:
    (alone.folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=words) as caught:
        load(alone)
    assert str(alone.folder) in str(caught.value)


def test_a_folder_of_pickles_says_that_they_are_not_opened(make_model: MakeModel) -> None:
    files = make_model()
    files.weights.unlink()
    (files.folder / "pytorch_model.bin").touch()
    with pytest.raises(
        FileNotFoundError, match=r"\(pytorch_model\.bin is a pickle, which is never"
    ):
        load(files)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pickle.dumps({"a": 1}), "is a pickle, which is never opened"),
        (b"PK\x03\x04" + bytes(100), "a zip archive or a PyTorch pickle"),
        (b"GGUF" + bytes(100), "is a GGUF file"),
        (b"<!doctype html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "is a Git LFS pointer"),
        (b"\x07" * 100, "damaged or incomplete"),
    ],
)
def test_another_type_of_file_is_named(make_model: MakeModel, content: bytes, words: str) -> None:
    files = make_model()
    files.weights.write_bytes(content)
    refused(files, words, files.weights)


@pytest.mark.parametrize("dtype", [torch.int8, torch.float8_e4m3fn])
def test_scaled_dtypes_are_refused(make_model: MakeModel, dtype: torch.dtype) -> None:
    files = make_model()
    tensors = load_file(files.weights)
    tensors["model.norm.weight"] = tensors["model.norm.weight"].to(dtype)
    save_file(tensors, files.weights)
    refused(
        files, "stores model.norm.weight as (I8|F8_E4M3), which is not supported", files.weights
    )


@pytest.mark.parametrize("precision", ["fp32", "auto", "int8"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_weights_that_are_not_finite_are_refused_by_name(
    make_model: MakeModel, dtype: torch.dtype, precision: str
) -> None:
    files = make_model()
    loaded = load_file(files.weights)
    # Copies: the loaded tensors may be views of the file, which is written again.
    finite = {key: tensor.to(dtype, copy=True) for key, tensor in loaded.items()}
    names = ("model.norm.weight", "model.layers.1.self_attn.k_proj.weight", "lm_head.weight")
    for name, value in product(names, (torch.nan, torch.inf, -torch.inf)):
        wrong = finite[name].clone()
        wrong.flatten()[-1] = value
        save_file({**finite, name: wrong}, files.weights)
        with pytest.raises(ValueError, match=rf"\(NaN or infinite values in {name}\)") as caught:
            load_llama(files, resolve(precision, torch.device("cpu"), torch.float16))
        assert str(files.weights) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"num_hidden_layers": 10**9}, "asks for 1000000000 layers"),
        ({"hidden_size": 2**62}, "as 'hidden_size', which must be"),
        ({"vocab_size": 2**31 - 1, "hidden_size": 2**31 - 1, "head_dim": 2**31 - 2},
         "sizes that no model can have"),
        ({"intermediate_size": -5}, "has -5 as 'intermediate_size'"),
        ({"eos_token_id": 10**6}, r"special ids \[0, 1000000\]"),
    ],
)  # fmt: skip
def test_a_config_of_another_model_is_named(
    make_model: MakeModel, change: dict[str, object], words: str
) -> None:
    files = make_model()
    rewrite(files.config, lambda values: values.update(change))
    refused(files, words, files.config)


def test_a_loaded_model_does_not_depend_on_the_file(make_model: MakeModel) -> None:
    files = make_model()
    stored = {name: tensor.clone() for name, tensor in load_file(files.weights).items()}
    loaded = load(files)
    with files.weights.open("r+b") as stream:
        stream.write(bytes(files.weights.stat().st_size))
    assert all(torch.equal(loaded[name], stored[name]) for name in stored)
