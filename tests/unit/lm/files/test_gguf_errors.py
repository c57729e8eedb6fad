"""GGUF files that are damaged, of another type or another model: one clear error each."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from tipo_core.lm.files.gguf_file import GgufWeights, read_config
from tipo_core.lm.files.gguf_header import read_header
from tipo_core.lm.files.gguf_tokenizer import gguf_tokenizer
from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.model.config import LlamaConfig

from ..conftest import random_state
from ..gguf_models import Change, Vocabulary, plain_vocabulary, write_gguf

Writer = gguf.GGUFWriter


def load(path: Path) -> None:
    load_llama(ModelFiles(path))


def refused(path: Path, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        load(path)
    assert str(path) in str(caught.value)


@pytest.fixture
def small(small_config: LlamaConfig) -> LlamaConfig:
    return replace(
        small_config, hidden_size=64, intermediate_size=64, head_dim=16, num_hidden_layers=1
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.gguf"


def put(key: str, value: object, kind: gguf.GGUFValueType) -> Change:
    return lambda writer: writer.kv_data[0].update({key: gguf.gguf_writer.GGUFValue(value, kind)})


def number(key: str, value: int) -> Change:
    return put(key, value, gguf.GGUFValueType.UINT32)


def text(key: str, value: str) -> Change:
    return put(key, value, gguf.GGUFValueType.STRING)


def without(key: str) -> Change:
    def change(writer: Writer) -> None:
        del writer.kv_data[0][key]

    return change


def tensor(name: str, shape: tuple[int, ...]) -> Change:
    return lambda writer: writer.add_tensor(name, np.zeros(shape, np.float32))


def write(path: Path, config: LlamaConfig, change: Change) -> None:
    write_gguf(path, config, random_state(config), plain_vocabulary(120), change=change)


def a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"x" * 100)


def a_safetensors_file(path: Path) -> None:
    save_file({"a": torch.zeros(100)}, path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b""), "empty file"),
        (lambda path: path.write_bytes(b"GG"), "not a GGUF file"),
        (lambda path: path.write_bytes(b"\x07" * 500), "not a GGUF file"),
        (lambda path: path.write_bytes(pickle.dumps({"a": 1})), "a pickle, which is never opened"),
        (a_zip, "a zip archive"),
        (a_safetensors_file, "a safetensors file"),
        (lambda path: path.write_bytes(b"<!DOCTYPE html><html>"), "a web page"),
        (lambda path: path.write_bytes(b"version https://git-lfs.github.com/spec"), "Git LFS"),
        (lambda path: path.write_bytes(b"lmgg" + bytes(90)), "the predecessor of GGUF"),
        (lambda path: path.write_bytes(b"GGUF"), "no version"),
        (lambda path: path.write_bytes(b"GGUF" + struct.pack("<I", 1) + bytes(99)), "version 1;"),
        (lambda path: path.write_bytes(b"GGUF" + struct.pack("<I", 9) + bytes(99)), "version 9;"),
        (lambda path: path.write_bytes(b"GGUF" + struct.pack("<I", 3)), "inside its header"),
        (lambda path: path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 2**60, 2**60)), "inside"),
        (lambda path: path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 0)), "architecture"),
    ],
)
def test_another_type_of_file_is_named(
    path: Path, make: Callable[[Path], object], words: str
) -> None:
    make(path)
    refused(path, words)


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"model\.gguf"):
        load(path)


def test_big_endian_files_are_refused(path: Path, small: LlamaConfig) -> None:
    state = random_state(small)
    write_gguf(path, small, state, plain_vocabulary(120), endianess=gguf.GGUFEndian.BIG)
    refused(path, "big-endian")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (text("general.architecture", "qwen2"), "describes qwen2; TIPO Suite runs Llama"),
        (without("general.architecture"), "lacks 'general.architecture'"),
        (number("general.architecture", 3), "general.architecture is not of type str"),
        (put("split.count", 3, gguf.GGUFValueType.UINT16), "one of 3 parts"),
        (without("llama.embedding_length"), "lacks 'llama.embedding_length'"),
        (without("llama.context_length"), "lacks 'llama.context_length'"),
        (without("llama.attention.layer_norm_rms_epsilon"), "lacks .*rms_epsilon"),
        (number("llama.block_count", 0), "llama.block_count=0"),
        (text("llama.block_count", "1"), "llama.block_count=1, which is not supported"),
        (number("llama.block_count", 2**30), f"asks for {2**30} layers"),
        (number("llama.block_count", 2**31), "has 2147483648 as 'num_hidden_layers'"),
        (number("llama.attention.head_count", 0), "head_count=0"),
        (number("llama.attention.value_length", 8), "value_length=8"),
        (number("llama.rope.dimension_count", 8), "dimension_count=8"),
        (number("llama.expert_count", 8), "expert_count=8"),
        (text("llama.rope.scaling.type", "linear"), "rope_scaling=linear, which is not supported"),
        (tensor("rope_freqs.weight", (8,)), "rope_scaling=rope_freqs.weight"),
        (number("llama.attention.head_count", 2), r"q_proj.weight is \(64, 64\) and should be"),
        (number("llama.feed_forward_length", 96), r"gate_proj.weight is \(64, 64\)"),
        (number("llama.vocab_size", 130), r"embed_tokens.weight is \(120, 64\)"),
        (number("llama.vocab_size", 100), "has 120 entries, the model 100"),
        (number("tokenizer.ggml.eos_token_id", 120), r"special ids \[0, 120\]"),
        (tensor("blk.0.attn_q.bias", (64,)), "unknown blk.0.attn_q.bias"),
        (tensor("blk.1.attn_norm.weight", (64,)), "unknown model.layers.1.input_layernorm"),
        (tensor("blk.00.attn_norm.weight", (64,)), "unknown blk.00.attn_norm.weight"),
        (tensor("model.norm.weight", (64,)), "has model.norm.weight twice"),
        (lambda writer: writer.tensors[0].pop("output_norm.weight"), "missing model.norm.weight"),
        (lambda writer: writer.tensors[0].pop("blk.0.ffn_up.weight"), "missing model.layers.0.mlp"),
    ],
)
def test_a_model_that_does_not_fit_is_named(
    path: Path, small: LlamaConfig, change: Change, words: str
) -> None:
    write(path, small, change)
    refused(path, words)


def test_several_misfits_are_listed(path: Path, small: LlamaConfig) -> None:
    def change(writer: Writer) -> None:
        del writer.tensors[0]["output_norm.weight"]
        writer.add_tensor("surplus", np.zeros(4, np.float32))
        for name in "abcdefgh":
            writer.add_tensor(name, np.zeros(4, np.float32))

    write(path, small, change)
    refused(path, r"missing model.norm.weight; unknown surplus; .* and 2 more\. Copy all files")


@pytest.mark.parametrize(("number", "name"), [(20, "IQ4_NL"), (24, "I8"), (99, "type 99")])
def test_an_unsupported_quantization_is_named(
    path: Path, small: LlamaConfig, number: int, name: str
) -> None:
    write(path, small, tensor("last", (64,)))
    content = path.read_bytes()
    at = content.index(struct.pack("<Q", 4) + b"last") + 12 + 4 + 8
    path.write_bytes(content[:at] + struct.pack("<I", number) + content[at + 4 :])
    refused(path, f"stores last as {name}, which is not supported: choose a file in F32, F16")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("tokenizer.ggml.model"), "has no tokenizer"),
        (without("tokenizer.ggml.tokens"), "has no tokenizer"),
        (text("tokenizer.ggml.model", "bert"), "kind 'bert'"),
        (text("tokenizer.ggml.model", "llama"), "no scores"),
        (text("tokenizer.ggml.pre", "tekken"), "pre-tokenizer 'tekken' is not supported"),
        (without("tokenizer.ggml.merges"), "no merges"),
        (put("tokenizer.ggml.merges", ["x y"], gguf.GGUFValueType.ARRAY), "do not fit the tokens"),
        (put("tokenizer.ggml.merges", ["ab"], gguf.GGUFValueType.ARRAY), "do not fit the tokens"),
        (put("tokenizer.ggml.tokens", ["a"] * 120, gguf.GGUFValueType.ARRAY), "'a' appears twice"),
        (put("tokenizer.ggml.tokens", [1] * 120, gguf.GGUFValueType.ARRAY), "values of type str"),
        (
            put("tokenizer.ggml.token_type", [1], gguf.GGUFValueType.ARRAY),
            "120 tokens have 1 types",
        ),
    ],
)
def test_a_tokenizer_that_does_not_fit_is_named(
    path: Path, small: LlamaConfig, change: Change, words: str
) -> None:
    write(path, small, change)
    refused(path, words)


def test_the_begin_token_must_be_one(path: Path, small: LlamaConfig) -> None:
    vocabulary = Vocabulary("gpt2", *(["a", "b", "ab"], [1] * 3), merges=["a b"],
                            extra={"add_bos_token": True, "pre": "gpt-2"})  # fmt: skip
    config = replace(small, bos_token_id=3, vocab_size=4)
    write_gguf(path, config, random_state(config), vocabulary)
    refused(path, "the id 3 is out of range")


def test_every_truncation_is_an_error(path: Path, small: LlamaConfig) -> None:
    write(path, replace(small, tie_word_embeddings=True), lambda writer: None)
    content = path.read_bytes()
    header = read_header(path)
    start = min(one.offset for one in header.tensors.values())
    last = max(one.offset + one.size for one in header.tensors.values())
    for keep in (*range(0, start, 37), start, (start + last) // 2, last - 1):
        path.write_bytes(content[:keep])
        with pytest.raises(ValueError, match=r"model\.gguf"):
            load(path)


def test_a_damaged_header_is_an_error_or_a_valid_model(
    tmp_path_factory: pytest.TempPathFactory, small_config: LlamaConfig
) -> None:
    config = replace(small_config, hidden_size=64, intermediate_size=64, head_dim=16,
                     num_hidden_layers=1, vocab_size=8)  # fmt: skip
    path = tmp_path_factory.mktemp("damaged") / "model.gguf"
    write_gguf(path, config, random_state(config), plain_vocabulary(8))
    content = path.read_bytes()
    size = min(one.offset for one in read_header(path).tensors.values())

    @given(st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, 255)), min_size=1))
    def check(damage: list[tuple[int, int]]) -> None:
        damaged = bytearray(content)
        for at, byte in damage:
            damaged[at] = byte
        path.write_bytes(damaged)
        try:
            header = read_header(path)
            GgufWeights(header, read_config(header))
            gguf_tokenizer(header)
        except ValueError as error:
            assert str(path) in str(error)

    check()
