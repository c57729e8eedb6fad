"""Model files: complete ones load, each invalid one is an error that names it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tipo_core.lm.files.fused_weights import to_hf_state_dict
from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.hub.catalog import NANO, find_model, local_models
from tipo_core.lm.model.precision import PRECISIONS, Precision, resolve

from ..conftest import MakeModel, rewrite

Tensors = dict[str, torch.Tensor]


def load(files: ModelFiles) -> None:
    load_llama(files)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named_with_its_folder(make_model: MakeModel, name: str) -> None:
    files = make_model()
    (files.folder / name).unlink()
    with pytest.raises(FileNotFoundError) as caught:
        load(files)
    assert name in str(caught.value) and str(files.folder) in str(caught.value)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.pop("model.norm.weight"), "missing model.norm.weight"),
        (
            lambda t: t.pop("model.layers.1.self_attn.k_proj.weight"),
            "missing model.layers.1.self_attn.k_proj.weight",
        ),
        (lambda t: t.update(surplus=torch.zeros(2)), "unknown surplus"),
        (
            lambda t: t.update({"model.norm.weight": torch.zeros(3)}),
            r"model.norm.weight is \(3,\) and should be \(48,\)",
        ),
        (
            lambda t: t.update({"model.layers.2.mlp.up_proj.weight": torch.zeros(96, 47)}),
            r"layers.2.mlp.up_proj.weight is \(96, 47\) and should be \(96, 48\)",
        ),
    ],
    ids=["missing", "missing part", "extra", "misshapen", "misshapen part"],
)
def test_every_tensor_must_fit(
    make_model: MakeModel, change: Callable[[Tensors], object], words: str, precision: str
) -> None:
    files = make_model()
    tensors = load_file(files.weights)
    change(tensors)
    save_file(tensors, files.weights)
    with pytest.raises(ValueError, match=words) as caught:
        load_llama(files, resolve(precision, torch.device("cpu"), torch.float16))
    assert str(files.weights) in str(caught.value) and str(files.config) in str(caught.value)


def test_redundant_tensors_are_ignored(make_model: MakeModel) -> None:
    files = make_model(tie_word_embeddings=True)
    tensors = load_file(files.weights)
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.zeros(4)
    save_file(tensors, files.weights)
    load(files)


@pytest.mark.parametrize("keep", [0, 5, 1000, -7])
def test_a_truncated_file_is_named(make_model: MakeModel, keep: int) -> None:
    files = make_model()
    content = files.weights.read_bytes()
    files.weights.write_bytes(content[:keep])
    with pytest.raises(ValueError, match=r"damaged or incomplete|an empty file") as caught:
        load(files)
    assert str(files.weights) in str(caught.value)


def test_other_architectures_are_named(make_model: MakeModel) -> None:
    files = make_model()
    rewrite(files.config, lambda values: values.update(architectures=["MistralForCausalLM"]))
    with pytest.raises(ValueError, match="MistralForCausalLM"):
        load(files)


@pytest.mark.parametrize(
    "change",
    [
        {"rope_scaling": {"type": "linear", "factor": 2.0}},
        {"rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5}},
        {"attention_bias": True},
    ],
)
def test_unsupported_settings_are_errors(make_model: MakeModel, change: dict[str, object]) -> None:
    files = make_model()
    rewrite(files.config, lambda values: values.update(change))
    with pytest.raises(ValueError, match="not supported"):
        load(files)


@pytest.mark.parametrize("text", ["{", "[]", '{"architectures": ["LlamaForCausalLM"]}'])
def test_a_broken_config_is_named(make_model: MakeModel, text: str) -> None:
    files = make_model()
    files.config.write_text(text)
    with pytest.raises(ValueError, match=r"config\.json"):
        load(files)


def test_an_invalid_tokenizer_is_named(make_model: MakeModel) -> None:
    files = make_model()
    files.tokenizer.write_text("{}")
    with pytest.raises(ValueError, match="is not a tokenizer"):
        load(files)
    files = make_model(vocab_size=100)
    with pytest.raises(ValueError, match=r"has \d+ entries, the model 100"):
        load(files)


@pytest.mark.parametrize("package", ["tokenizers", "safetensors"])
def test_a_missing_package_is_named(
    files: ModelFiles, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(RuntimeError, match=rf"pip install {package}"):
        load(files)


def test_models_are_found_by_name_and_never_by_path(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = make_model()
    root = files.folder.parent
    assert list(local_models([root / "nowhere"])) == [NANO]
    assert find_model(files.folder.name, [root]).folder == files.folder
    for name in ("nope", "../" + root.name, str(files.folder), "", "TIPO-500M"):
        with pytest.raises(FileNotFoundError) as caught:
            find_model(name, [root])
        assert NANO in str(caught.value)
    assert "huggingface.co/KBlueLeaf/TIPO-500M" in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_loading_fills_every_weight_and_advances_no_generator(
    files: ModelFiles, dtype: torch.dtype
) -> None:
    state = torch.get_rng_state()
    model, _ = load_llama(files, Precision("float", dtype))
    assert torch.equal(torch.get_rng_state(), state)
    stored = load_file(files.weights)
    filled = to_hf_state_dict(model.state_dict(), model.config)
    assert filled.keys() == stored.keys()
    for name, weight in filled.items():
        assert weight.device.type == "cpu" and weight.dtype is dtype
        assert torch.equal(weight, stored[name].to(dtype))
    assert not any(weight.requires_grad for weight in model.parameters())


def test_a_tokenizer_with_a_gap_in_its_ids_must_fit(make_model: MakeModel) -> None:
    """The largest id counts, not the number of entries."""
    files = make_model()

    def move_the_last(values: Any) -> None:
        vocabulary = values["model"]["vocab"]
        last = max(vocabulary, key=lambda token: vocabulary[token])
        vocabulary[last] = 1000

    rewrite(files.tokenizer, move_the_last)
    with pytest.raises(ValueError, match=r"tokenizer\.json has 1001 entries, the model \d+:"):
        load(files)


@pytest.mark.parametrize("precision", ["fp32", "auto", "int8"])
def test_an_output_head_beside_a_tied_embedding_must_equal_it(
    make_model: MakeModel, precision: str
) -> None:
    """A file that stores the embedding twice is common; with two values one would be ignored."""
    files = make_model(tie_word_embeddings=True)
    chosen = resolve(precision, torch.device("cpu"), torch.float16)
    tensors = load_file(files.weights)
    head = tensors["model.embed_tokens.weight"].clone()
    save_file({**tensors, "lm_head.weight": head}, files.weights)
    load_llama(files, chosen)
    head[3, 4] += 0.5
    save_file({**tensors, "lm_head.weight": head}, files.weights)
    with pytest.raises(ValueError, match=r"lm_head\.weight .* tie_word_embeddings") as caught:
        load_llama(files, chosen)
    assert str(files.config) in str(caught.value)
