"""GGUF files: their weights against the dequantization of gguf-py and against transformers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gguf
import pytest
import torch
from gguf import GGMLQuantizationType as Quant

from tipo_core.lm.files.fused_weights import to_hf_state_dict
from tipo_core.lm.files.gguf_header import TENSOR_TYPES, read_header
from tipo_core.lm.files.hf_config import hf_config
from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.model.config import LlamaConfig
from tipo_core.lm.model.llama import Llama
from tipo_core.lm.model.precision import Precision

from ..conftest import random_state
from ..gguf_models import interleaved, plain_vocabulary, put_apart, write_gguf
from ..passes import greedy

TYPES = [one.name for one in TENSOR_TYPES.values()]

# The import of transformers takes ten seconds, in each process.
pytestmark = pytest.mark.xdist_group("transformers")


def load(path: Path, dtype: torch.dtype = torch.float32) -> Llama:
    return load_llama(ModelFiles(path), Precision("float", dtype))[0]


def logits_of_transformers(
    config: LlamaConfig, state: dict[str, torch.Tensor], tokens: torch.Tensor
) -> torch.Tensor:
    transformers = pytest.importorskip("transformers")
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**hf_config(config)))
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}
    with torch.inference_mode():
        return model.eval()(tokens).logits


def test_the_types_are_those_of_gguf() -> None:
    for number, one in TENSOR_TYPES.items():
        kind = gguf.GGMLQuantizationType(number)
        assert (kind.name, gguf.GGML_QUANT_SIZES[kind]) == (one.name, (one.values, one.size))


def test_unpermute_is_the_inverse_of_the_converter() -> None:
    rows = torch.arange(24.0)[:, None].expand(24, 3)
    assert not torch.equal(interleaved(rows, 2), rows)
    assert torch.equal(put_apart(interleaved(rows, 2), 2), rows)


def always(name: str) -> Callable[[str], Quant]:
    """Return a choice of one type for all tensors."""
    return lambda tensor: Quant[name]


@pytest.mark.parametrize("name", TYPES)
def test_logits_and_greedy_tokens_equal_those_of_transformers(
    tmp_path: Path, small_config: LlamaConfig, name: str
) -> None:
    state = random_state(small_config)
    path = tmp_path / "model.gguf"
    vocabulary = plain_vocabulary(small_config.vocab_size)
    kept = write_gguf(path, small_config, state, vocabulary, kind=always(name))
    model = load(path)
    tokens = torch.randint(0, 120, (2, 60), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        ours = model.sequence_logits(tokens)
    wanted = logits_of_transformers(small_config, kept, tokens)
    assert wanted.std() > 0.1
    assert (ours - wanted).abs().max() < 1e-4
    # Each token must be the most likely one after all before it, so one pass checks all of them.
    prompt = tokens[0, :4].tolist()
    written = greedy(model, prompt, 256)
    scores = logits_of_transformers(small_config, kept, torch.tensor([prompt + written]))
    no_end = scores.index_fill(-1, torch.tensor(small_config.eos_token_ids), -torch.inf)
    assert no_end[0, len(prompt) - 1 : -1].argmax(-1).tolist() == written


def test_a_mixture_of_types_with_tied_embeddings(tmp_path: Path, small_config: LlamaConfig) -> None:
    # As in SmolLM2-135M: rows of 576 do not fill K blocks, so quantizers mix types.
    config = replace(
        small_config,
        hidden_size=576,
        intermediate_size=1536,
        num_attention_heads=9,
        num_key_value_heads=3,
        tie_word_embeddings=True,
        rope_theta=1e5,
    )

    def kind(name: str) -> Quant:
        if "embed" in name:
            return Quant.Q8_0
        return Quant.Q6_K if "down_proj" in name else Quant.Q4_1

    path = tmp_path / "model.gguf"
    kept = write_gguf(path, config, random_state(config), plain_vocabulary(120), kind=kind)
    model = load(path)
    assert model.config == config and "lm_head.weight" not in kept
    tokens = torch.randint(0, 120, (1, 80), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        difference = model.sequence_logits(tokens) - logits_of_transformers(config, kept, tokens)
    assert difference.abs().max() < 1e-4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["F32", "F16", "BF16", "Q8_0", "Q4_K"])
def test_weights_are_converted_once_from_the_stored_values(
    tmp_path: Path, small_config: LlamaConfig, name: str, dtype: torch.dtype
) -> None:
    path = tmp_path / "model.gguf"
    state = random_state(small_config)
    kept = write_gguf(path, small_config, state, plain_vocabulary(120), kind=always(name))
    ours = to_hf_state_dict(load(path, dtype).state_dict(), small_config)
    assert ours.keys() == kept.keys()
    for name, weight in ours.items():
        assert weight.dtype is dtype and torch.equal(weight, kept[name].to(dtype))


def test_config_and_special_ids_come_from_the_file(
    tmp_path: Path, small_config: LlamaConfig
) -> None:
    path = tmp_path / "model.gguf"
    config = replace(
        small_config, bos_token_id=5, eos_token_ids=(6, 9), rope_theta=12345.0, num_hidden_layers=1
    )
    change = lambda writer: writer.add_eot_token_id(9)  # noqa: E731
    write_gguf(path, config, random_state(config), plain_vocabulary(120), change=change)
    assert load(path).config == config


def test_missing_metadata_has_defaults(tmp_path: Path, small_config: LlamaConfig) -> None:
    path = tmp_path / "model.gguf"
    config = replace(small_config, num_key_value_heads=4)
    keys = ("vocab_size", "attention.head_count_kv", "attention.key_length", "rope.freq_base",
            "attention.value_length", "rope.dimension_count")  # fmt: skip

    def leave_out(writer: gguf.GGUFWriter) -> None:
        for key in keys:
            del writer.kv_data[0][f"llama.{key}"]

    write_gguf(path, config, random_state(config), plain_vocabulary(120), change=leave_out)
    assert load(path).config == config


def test_a_value_may_be_given_per_layer(tmp_path: Path, small_config: LlamaConfig) -> None:
    path = tmp_path / "model.gguf"
    write = lambda heads: write_gguf(  # noqa: E731
        path,
        small_config,
        random_state(small_config),
        plain_vocabulary(120),
        change=lambda writer: writer.kv_data[0].update(
            {
                "llama.attention.head_count_kv": gguf.gguf_writer.GGUFValue(
                    heads, gguf.GGUFValueType.ARRAY
                )
            }
        ),
    )
    write([2, 2])
    assert load(path).config.num_key_value_heads == 2
    write([2, 1])
    with pytest.raises(ValueError, match=r"head_count_kv=\(2, 1\)"):
        load(path)


def test_plain_types_need_no_package_and_others_name_it(
    tmp_path: Path, small_config: LlamaConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = random_state(small_config)
    for name in ("F16", "Q8_0"):
        write_gguf(
            tmp_path / f"{name}.gguf",
            small_config,
            state,
            plain_vocabulary(120),
            kind=always(name),
        )
    monkeypatch.setitem(sys.modules, "gguf", None)
    load(tmp_path / "F16.gguf")
    with pytest.raises(RuntimeError, match="pip install gguf"):
        load(tmp_path / "Q8_0.gguf")


def test_a_loaded_model_does_not_depend_on_the_file(
    tmp_path: Path, small_config: LlamaConfig
) -> None:
    path = tmp_path / "model.gguf"
    kept = write_gguf(path, small_config, random_state(small_config), plain_vocabulary(120))
    model = load(path)
    with path.open("r+b") as stream:
        stream.write(bytes(path.stat().st_size))
    ours = to_hf_state_dict(model.state_dict(), small_config)
    assert ours.keys() == kept.keys()
    assert all(torch.equal(weight, kept[name]) for name, weight in ours.items())


def test_the_header_equals_what_gguf_reads(tmp_path: Path, small_config: LlamaConfig) -> None:
    path = tmp_path / "model.gguf"
    write_gguf(path, small_config, random_state(small_config), plain_vocabulary(120))
    ours, theirs = read_header(path), gguf.GGUFReader(path)
    values = {key: field.contents() for key, field in theirs.fields.items() if "GGUF." not in key}
    assert {k: list(v) if isinstance(v, tuple) else v for k, v in ours.metadata.items()} == values
    for tensor in theirs.tensors:
        stored = ours.tensors[tensor.name]
        assert stored.shape == tuple(reversed(tensor.shape.tolist()))
        assert (stored.offset, stored.size) == (tensor.data_offset, tensor.n_bytes)
    assert len(ours.tensors) == len(theirs.tensors)
