"""Mixture-of-experts files that are damaged or do not fit: one clear error each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gguf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from tipo_core.lm.files.gguf_header import read_header
from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.model.config import LlamaConfig

from ..conftest import rewrite
from ..expert_models import (
    EXPERTS,
    State,
    as_dots1,
    in_dots1_names,
    kohaku_state,
    mixture_config,
    write_kohaku,
)
from ..gguf_models import Change, plain_vocabulary, write_dots1


@pytest.fixture(scope="module")
def config(files: ModelFiles) -> LlamaConfig:
    return mixture_config(files)


def load(files: ModelFiles) -> None:
    load_llama(files)


@pytest.mark.parametrize("naming", ["kohaku", "dots1"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t, name: t.pop(name), "missing {name}"),
        (lambda t, name: t.update({name: t[name][..., :-1]}), r"{name} is \(.*\) and should be \("),
        (lambda t, name: t.update({name + "s": t[name].clone()}), "unknown {name}s"),
    ],
    ids=["missing", "misshapen", "extra"],
)
@pytest.mark.parametrize("part", ["routed", "shared", "bias"])
def test_missing_and_misshapen_experts_are_listed(
    tmp_path: Path,
    files: ModelFiles,
    config: LlamaConfig,
    naming: str,
    change: Callable[[State, str], object],
    words: str,
    part: str,
) -> None:
    state = kohaku_state(config)
    if naming == "dots1":
        state = in_dots1_names(state)
    model = write_kohaku(tmp_path, config, state, files.tokenizer)
    if naming == "dots1":
        rewrite(model.config, as_dots1)
    name = (
        "model.layers.1.mlp."
        + {
            "kohaku": {
                "routed": "up_proj",
                "shared": "shared_expert.down_proj.weight",
                "bias": "expert_bias",
            },
            "dots1": {
                "routed": "experts.7.up_proj.weight",
                "shared": "shared_experts.down_proj.weight",
                "bias": "gate.e_score_correction_bias",
            },
        }[naming][part]
    )
    load(model)
    change(state, name)
    save_file({key: one.contiguous() for key, one in state.items()}, model.weights)
    with pytest.raises(ValueError, match=words.format(name=re.escape(name))) as caught:
        load(model)
    assert str(model.weights) in str(caught.value)


def test_a_layer_without_any_experts_is_an_error(
    tmp_path: Path, files: ModelFiles, config: LlamaConfig
) -> None:
    state = kohaku_state(config)
    for name in list(state):
        if ".mlp." in name and ".gate.weight" not in name:
            del state[name]
    model = write_kohaku(tmp_path, config, state, files.tokenizer)
    with pytest.raises(ValueError, match=r"missing model.layers.1.mlp.gate_proj; .* and \d+ more"):
        load(model)


def test_more_experts_than_tensors_are_an_error(
    tmp_path: Path, files: ModelFiles, config: LlamaConfig
) -> None:
    state = in_dots1_names(kohaku_state(config))
    model = write_kohaku(tmp_path, config, state, files.tokenizer)
    rewrite(model.config, as_dots1)
    rewrite(model.config, lambda values: values.update(n_routed_experts=2**30))
    with pytest.raises(ValueError, match=f"asks for {2**30} experts"):
        load(model)


def swap(first: str, second: str) -> Change:
    def change(writer: gguf.GGUFWriter) -> None:
        tensors = writer.tensors[0]
        tensors[first], tensors[second] = tensors[second], tensors[first]

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.tensors[0].pop("blk.1.ffn_up_exps.weight"), "missing .*layers.1.mlp.up_proj"),
        (
            lambda w: w.tensors[0].pop("blk.1.exp_probs_b.bias"),
            "missing .*layers.1.mlp.expert_bias",
        ),
        (lambda w: w.tensors[0].pop("blk.2.attn_k.weight"), "missing .*layers.2.self_attn.k_proj"),
        (
            lambda w: w.add_expert_gating_func(gguf.ExpertGatingFuncType.SOFTMAX),
            "expert_gating_func=1, which is not supported",
        ),
        (swap("blk.2.attn_v.weight", "token_embd.weight"), "layers.2.self_attn.v_proj.* should be"),
        (lambda w: w.add_expert_count(2), "has 3 as 'num_experts_per_tok'"),
        (lambda w: w.add_expert_count(9), r"up_proj is \(8, 24, 48\) and should be \(9, 24, 48\)"),
        (lambda w: w.add_expert_feed_forward_length(0), "has 0 as dots1.expert_feed_forward"),
        (lambda w: w.kv_data[0].pop("dots1.expert_weights_scale"), "lacks 'dots1.expert_weights_s"),
        (lambda w: w.add_block_count(2**30), f"asks for {2**30} layers"),
        (lambda w: w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR), "rope_scaling=linear"),
    ],
)
def test_a_gguf_file_that_does_not_fit_is_an_error(
    tmp_path: Path, config: LlamaConfig, change: Change, words: str
) -> None:
    path = tmp_path / "model.gguf"
    vocabulary = plain_vocabulary(config.vocab_size)
    write_dots1(path, config, kohaku_state(config), vocabulary, change=change)
    with pytest.raises(ValueError, match=words) as caught:
        load(ModelFiles(path))
    assert str(path) in str(caught.value)


def test_a_damaged_gguf_header_is_an_error_or_a_valid_model(
    tmp_path_factory: pytest.TempPathFactory, config: LlamaConfig
) -> None:
    config = replace(
        config, vocab_size=8, hidden_size=16, intermediate_size=16, num_attention_heads=2,
        num_key_value_heads=1, num_hidden_layers=2, moe=replace(EXPERTS, num_experts=4),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("damaged") / "model.gguf"
    write_dots1(path, config, kohaku_state(config), plain_vocabulary(8))
    content = path.read_bytes()
    size = min(one.offset for one in read_header(path).tensors.values())

    @given(st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, 255)), min_size=1))
    def check(damage: list[tuple[int, int]]) -> None:
        damaged = bytearray(content)
        for at, byte in damage:
            damaged[at] = byte
        path.write_bytes(damaged)
        try:
            load(ModelFiles(path))
        except ValueError as error:
            assert str(path) in str(error)

    check()
