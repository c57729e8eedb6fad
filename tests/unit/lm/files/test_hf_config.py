"""Reading `config.json`: each wrong value is an error that names the file and the key."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipo_core.lm.files.hf_config import hf_config, parse_hf_config, read_hf_config
from tipo_core.lm.model.config import LlamaConfig, MoEConfig

LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 100,
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-5,
    "rope_theta": 5e5,
    "tie_word_embeddings": False,
    "bos_token_id": 0,
    "eos_token_id": [1, 2],
}
EXPERTS: dict[str, Any] = {
    "n_routed_experts": 8,
    "n_shared_experts": 1,
    "num_experts_per_tok": 3,
    "moe_intermediate_size": 24,
    "routed_scaling_factor": 2.5,
    "norm_topk_prob": True,
}
KOHAKU = {**LLAMA, **EXPERTS, "architectures": ["KohakuForCausalLM"], "first_k_dense": 1,
          "qk_norm": True}  # fmt: skip
DOTS1 = {**LLAMA, **EXPERTS, "architectures": ["Dots1ForCausalLM"], "first_k_dense_replace": 1}
SIZES = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "max_position_embeddings",
    "n_routed_experts",
    "num_experts_per_tok",
    "moe_intermediate_size",
)
COUNTS = ("n_shared_experts", "first_k_dense")
NUMBERS = ("rms_norm_eps", "rope_theta", "routed_scaling_factor")
FLAGS = ("tie_word_embeddings", "qk_norm", "norm_topk_prob")
IDS = ("bos_token_id", "eos_token_id")
OPTIONAL = ("num_key_value_heads", "head_dim", *COUNTS, *NUMBERS, *FLAGS, *IDS)
ODD: tuple[Any, ...] = ("12", [], [3], {}, {"a": 1}, "")
NO_IDS: tuple[Any, ...] = ("1", {}, [[1]], ["1"], 1.0, True)


def read(values: dict[str, Any]) -> LlamaConfig:
    return parse_hf_config(json.loads(json.dumps(values)), "its config.json")


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        *((key, (*ODD, -1, 2.0, 2**31, True)) for key in SIZES),
        *((key, (0,)) for key in SIZES if key != "n_routed_experts"),
        *((key, (*ODD, -1, 1.5, 2**31, False)) for key in COUNTS),
        *((key, (*ODD, 0, -1.0, float("nan"), 10**400)) for key in NUMBERS),
        *((key, (*ODD, 0, 1)) for key in FLAGS),
        *((key, NO_IDS) for key in IDS),
        ("num_experts_per_tok", (9,)),
        ("num_key_value_heads", (4,)),
        ("head_dim", (7,)),
        ("rope_parameters", (5, ["default"])),
        ("layer_types", (5,)),
        ("n_group", ("2",)),
    ],
)
def test_a_wrong_value_is_named(key: str, wrong: tuple[Any, ...]) -> None:
    for value in wrong:
        try:
            read({**KOHAKU, key: value})
        except ValueError as error:
            assert re.search(rf"^its config\.json .*{key}", str(error)), value
        else:
            pytest.fail(f"{key} may be {value!r}")


@pytest.mark.parametrize("key", sorted(KOHAKU.keys() - OPTIONAL - {"architectures"}))
@pytest.mark.parametrize("is_null", [False, True])
def test_a_missing_size_is_named(key: str, is_null: bool) -> None:
    values = {**KOHAKU, key: None}
    if not is_null:
        del values[key]
    with pytest.raises(ValueError, match=rf"^its config\.json lacks '{key}'"):
        read(values)


@pytest.mark.parametrize("value", [5, "L", {"a": 1}, [5], [["LlamaForCausalLM"]], ["Llama"]])
def test_an_unsupported_architecture_is_named(value: object) -> None:
    with pytest.raises(ValueError, match=r"^its config\.json describes "):
        read({**LLAMA, "architectures": value})


def test_a_head_size_of_zero_is_an_error() -> None:
    with pytest.raises(ValueError, match="head_dim=0"):
        read({**LLAMA, "head_dim": None, "num_attention_heads": 50, "num_key_value_heads": 50})


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "[]", "5", "null", '"text"', "\x00"])
def test_a_file_that_is_not_an_object_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"config\.json"):
        read_hf_config(path)


def test_missing_values_have_the_defaults_of_transformers() -> None:
    config = read({key: value for key, value in LLAMA.items() if key not in OPTIONAL})
    assert (config.num_key_value_heads, config.head_dim) == (6, 8)
    assert (config.rms_norm_eps, config.rope_theta) == (1e-6, 10000.0)
    assert (config.tie_word_embeddings, config.bos_token_id, config.eos_token_ids) == (
        False,
        None,
        (),
    )
    assert config.moe is None and not config.qk_norm


def test_kohaku_and_dots1_differ_in_keys_and_defaults() -> None:
    assert read(KOHAKU) == read(DOTS1)
    kohaku = read({key: value for key, value in KOHAKU.items() if key not in OPTIONAL})
    dots1 = read({key: value for key, value in DOTS1.items() if key not in OPTIONAL})
    assert (kohaku.bos_token_id, kohaku.eos_token_ids) == (64000, (64001,))
    assert (dots1.bos_token_id, dots1.eos_token_ids) == (None, ())
    assert kohaku.moe == MoEConfig(8, 3, 1, 24, 1, 1.0, True)
    assert dots1.moe == MoEConfig(8, 3, 0, 24, 1, 1.0, False)
    assert kohaku.qk_norm and dots1.qk_norm
    # Kohaku does not normalize the weight of a single expert.
    kohaku, dots1 = (read({**values, "num_experts_per_tok": 1}) for values in (KOHAKU, DOTS1))
    assert kohaku.moe and not kohaku.moe.norm_topk_prob
    assert dots1.moe and dots1.moe.norm_topk_prob


@pytest.mark.parametrize("values", [LLAMA, KOHAKU, {**KOHAKU, "n_routed_experts": 0}])
def test_a_written_config_is_read_back(values: dict[str, Any]) -> None:
    config = read(values)
    assert read(hf_config(config)) == config


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = PLAIN | st.lists(PLAIN, max_size=2) | st.dictionaries(st.text(max_size=5), PLAIN, max_size=2)
KEYS = sorted(
    {*KOHAKU, *DOTS1}
    | {"rope_scaling", "rope_parameters", "attention_bias", "hidden_act", "layer_types"}
    | {"scoring_func", "n_group", "sliding_window", "max_window_layers", "model_type"}
)


@given(
    values=st.sampled_from([LLAMA, KOHAKU, DOTS1]),
    changes=st.dictionaries(st.sampled_from(KEYS), JSON, min_size=1, max_size=4),
)
def test_any_config_is_read_or_a_value_error(
    values: dict[str, Any], changes: dict[str, Any]
) -> None:
    try:
        config = read({**values, **changes})
    except ValueError as error:
        assert str(error).startswith("its config.json ")
    else:
        assert config.head_dim % 2 == 0
        assert config.num_attention_heads % config.num_key_value_heads == 0
