"""The tensors of a GGUF file fill it exactly, and hold finite numbers.

Fields are found and changed with the reader of the package `gguf`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType as Quant

from tipo_core.lm.files.fused_weights import to_hf_state_dict
from tipo_core.lm.files.gguf_header import read_header
from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.model.config import LlamaConfig

from ..conftest import random_state
from ..gguf_models import Change, plain_vocabulary, write_gguf

Edit = Callable[[gguf.GGUFReader], dict[int, bytes]]
Q, K = "blk.0.attn_q.weight", "blk.0.attn_k.weight"


@pytest.fixture
def small(small_config: LlamaConfig) -> LlamaConfig:
    return replace(
        small_config, hidden_size=64, intermediate_size=64, head_dim=16, num_hidden_layers=1
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.gguf"


def write(
    path: Path,
    config: LlamaConfig,
    kind: Quant = Quant.F32,
    change: Change = lambda writer: None,
    vocab_size: int = 120,
) -> dict[str, torch.Tensor]:
    config = replace(config, vocab_size=vocab_size)
    state, vocabulary = random_state(config), plain_vocabulary(vocab_size)
    return write_gguf(path, config, state, vocabulary, kind=lambda name: kind, change=change)


def refused(path: Path, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        load_llama(ModelFiles(path))
    assert str(path) in str(caught.value)


def field(reader: gguf.GGUFReader, name: str, part: int) -> tuple[int, int]:
    """Return position and value of a part of a tensor's entry: 4 is its type, 5 its offset."""
    (found,) = (one.field for one in reader.tensors if one.name == name)
    before = sum(one.nbytes for one in found.parts[:part])
    return found.offset + before, int(found.parts[part][0])


def moved(name: str, to: str, by: int = 0) -> Edit:
    """Place a tensor where another one is."""
    return lambda reader: {
        field(reader, name, 5)[0]: struct.pack("<Q", field(reader, to, 5)[1] + by)
    }


def typed(name: str, kind: Quant) -> Edit:
    return lambda reader: {field(reader, name, 4)[0]: struct.pack("<I", kind)}


def wide(name: str, columns: int) -> Edit:
    return lambda reader: {field(reader, name, 3)[0]: struct.pack("<Q", columns)}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (moved(Q, K), "gap|overlap"),
        (moved(Q, K, 32), "gap|overlap"),
        (moved(Q, Q, 32), "gap|overlap"),
        (moved("token_embd.weight", Q), "overlap|gap"),
        (typed(Q, Quant.F16), "gap"),
        (typed(Q, Quant.Q8_0), "gap"),
        (typed("output_norm.weight", Quant.F16), "gap"),
        (wide(Q, 32), "gap"),
        (wide(Q, 128), "overlap"),
    ],
    ids=[
        *("on another", "inside another", "off its place", "after another", "as F16", "as Q8_0"),
        *("norm as F16", "narrower", "wider"),
    ],
)
def test_overlaps_gaps_and_other_types_are_refused(
    path: Path, small: LlamaConfig, edit: Edit, words: str
) -> None:
    write(path, small)
    content = bytearray(path.read_bytes())
    for at, value in edit(gguf.GGUFReader(path)).items():
        content[at : at + len(value)] = value
    path.write_bytes(content)
    refused(path, rf"damaged or incomplete .*({words}).*: download it again")


def test_bytes_after_the_last_tensor_are_refused(path: Path, small: LlamaConfig) -> None:
    write(path, small)
    path.write_bytes(path.read_bytes() + bytes(32))
    refused(path, "32 bytes after its last tensor")


@pytest.mark.parametrize("alignment", [8, 32, 64, 4096])
@pytest.mark.parametrize("kind", [Quant.F32, Quant.F16, Quant.Q8_0, Quant.Q4_0])
def test_the_padding_of_a_writer_is_allowed(
    path: Path, small: LlamaConfig, alignment: int, kind: Quant
) -> None:
    """An odd vocabulary, so that tensors end between two multiples of the alignment."""
    change: Change = lambda writer: writer.add_custom_alignment(alignment)  # noqa: E731
    kept = write(path, small, kind, change, vocab_size=117)
    model, _ = load_llama(ModelFiles(path))
    loaded = to_hf_state_dict(model.state_dict(), model.config)
    assert all(torch.equal(loaded[name], kept[name]) for name in kept)


def test_the_last_padding_may_be_missing(path: Path, small: LlamaConfig) -> None:
    write(path, small, Quant.Q4_0, lambda writer: writer.add_custom_alignment(4096))
    last = max(tensor.offset + tensor.size for tensor in read_header(path).tensors.values())
    content = path.read_bytes()
    assert last < len(content)
    path.write_bytes(content[:last])
    load_llama(ModelFiles(path))


def test_the_order_of_the_entries_is_free(path: Path, small: LlamaConfig) -> None:
    """Two entries of one shape change their places: the file holds the same tensors."""
    kept = write(path, small)
    content = bytearray(path.read_bytes())
    reader = gguf.GGUFReader(path)
    entries = [tensor.field for tensor in reader.tensors]
    begin = min(entry.offset for entry in entries)
    sizes = [sum(part.nbytes for part in entry.parts) for entry in entries]
    blocks = [
        bytes(content[entry.offset : entry.offset + size])
        for entry, size in zip(entries, sizes, strict=True)
    ]
    content[begin : begin + sum(sizes)] = b"".join(reversed(blocks))
    path.write_bytes(content)
    model, _ = load_llama(ModelFiles(path))
    loaded = to_hf_state_dict(model.state_dict(), model.config)
    assert all(torch.equal(loaded[name], kept[name]) for name in kept)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", [Q, "token_embd.weight", "output.weight"])
@pytest.mark.parametrize(
    "kind", [Quant.F32, Quant.F16, Quant.BF16, Quant.Q8_0, Quant.Q5_1], ids=lambda kind: kind.name
)
def test_weights_that_are_not_finite_are_refused_by_name(
    path: Path, small: LlamaConfig, kind: Quant, name: str, value: float
) -> None:
    """In quantized blocks the fp16 scale, which comes first, is not finite."""
    write(path, small, kind)
    tensor = read_header(path).tensors[name]
    stored = np.array([value], np.float16).tobytes()
    if kind is Quant.F32:
        stored = np.array([value], np.float32).tobytes()
    elif kind is Quant.BF16:
        stored = np.array([value], np.float32).tobytes()[2:]
    # The last block of the tensor.
    at = tensor.offset + tensor.size - tensor.type.size
    content = bytearray(path.read_bytes())
    content[at : at + len(stored)] = stored
    path.write_bytes(content)
    refused(path, rf"\(NaN or infinite values in {name}\): download it again")


@pytest.mark.parametrize("words", ["tokens", "name"])
def test_counts_that_no_header_has_are_refused(path: Path, words: str) -> None:
    """A damaged count would otherwise make millions of Python objects from the weights."""
    rest = bytes(1 << 27)
    key = struct.pack("<Q", 1) + b"a"
    if words == "tokens":
        entry = key + struct.pack("<IIQ", 9, 0, 1 << 26)
    else:
        entry = struct.pack("<Q", (1 << 26) + 1)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + entry + rest)
    refused(path, "more than any header")
