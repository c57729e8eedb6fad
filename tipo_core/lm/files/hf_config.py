"""A Hugging Face `config.json` as a `LlamaConfig`, and back.

Only settings that the model computes are accepted. Every other one is an error, because the model
would run and produce wrong text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..model.config import LlamaConfig, MoEConfig

# Values of `architectures` and, in files without it, of `model_type`.
_LLAMA = ("LlamaForCausalLM", "llama")
_KOHAKU = ("KohakuForCausalLM", "kohaku")
_DOTS1 = ("Dots1ForCausalLM", "dots1")
# Defaults of the author's KohakuConfig; his exporter leaves them out.
_KOHAKU_IDS = {"bos_token_id": 64000, "eos_token_id": 64001}
_MAX_INT = 2**31 - 1
_MAX_SHOWN = 60  # characters of a value in an error


def read_hf_config(path: Path) -> LlamaConfig:
    """Return the config in the file `path`.

    Raises ValueError, naming the file, for invalid JSON and as `parse_hf_config` does.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON ({error}): copy it again") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} is not a model config: copy it again")
    return parse_hf_config(values, str(path))


def parse_hf_config(values: Mapping[str, Any], source: str) -> LlamaConfig:
    """Return the config that `values`, a parsed `config.json`, describes.

    Raises ValueError, naming `source`, for another architecture, for settings that no TIPO model
    has (rope scaling, biases, sliding windows, expert groups), and for a missing or wrong value.
    """
    entries = _Entries(values, source)
    architecture = _architecture(values, source)
    # transformers >= 5 keeps theta under rope_parameters, older files at the top level.
    rope = values.get("rope_parameters") or {}
    if not isinstance(rope, Mapping):
        raise entries.error("rope_parameters", "an object")
    rope_entries = _Entries(rope, source)
    _refuse_unsupported(entries, rope)
    is_llama = architecture in _LLAMA
    special_ids = _KOHAKU_IDS if architecture in _KOHAKU else {}
    heads = entries.integer("num_attention_heads")
    hidden = entries.integer("hidden_size")
    kv_heads = entries.integer("num_key_value_heads", heads)
    if heads % kv_heads:
        raise entries.error("num_key_value_heads", f"a divisor of the {heads} heads")
    head_dim = entries.integer("head_dim", hidden // heads, minimum=0)
    if head_dim < 2 or head_dim % 2:
        raise ValueError(
            f"{source} asks for head_dim={head_dim}, which must be an even number above 0: "
            "copy the file again"
        )
    return LlamaConfig(
        vocab_size=entries.integer("vocab_size"),
        hidden_size=hidden,
        intermediate_size=entries.integer("intermediate_size"),
        num_hidden_layers=entries.integer("num_hidden_layers"),
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=head_dim,
        max_position_embeddings=entries.integer("max_position_embeddings"),
        rms_norm_eps=entries.number("rms_norm_eps", 1e-6),
        rope_theta=entries.number("rope_theta", rope_entries.number("rope_theta", 10000.0)),
        tie_word_embeddings=entries.flag("tie_word_embeddings", False),
        bos_token_id=next(iter(entries.ids("bos_token_id", special_ids)), None),
        eos_token_ids=entries.ids("eos_token_id", special_ids),
        # dots1 always has it; a Kohaku file says whether it does.
        qk_norm=not is_llama and (architecture in _DOTS1 or entries.flag("qk_norm", True)),
        moe=None if is_llama else _moe_config(entries, architecture),
    )


def hf_config(config: LlamaConfig) -> dict[str, Any]:
    """Return the content of a `config.json`: Llama's, or Kohaku's where Llama's cannot say it."""
    kind = _KOHAKU if config.qk_norm or config.moe else _LLAMA
    values: dict[str, Any] = {
        "architectures": [kind[0]],
        "model_type": kind[1],
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_key_value_heads": config.num_key_value_heads,
        "head_dim": config.head_dim,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "max_position_embeddings": config.max_position_embeddings,
        "rms_norm_eps": config.rms_norm_eps,
        "rope_theta": config.rope_theta,
        "tie_word_embeddings": config.tie_word_embeddings,
        "bos_token_id": config.bos_token_id,
        "eos_token_id": list(config.eos_token_ids),
        "torch_dtype": "float16",
    }
    if kind is _KOHAKU:
        values |= {"qk_norm": config.qk_norm, "n_routed_experts": 0}
    if config.moe:
        values |= {
            "n_routed_experts": config.moe.num_experts,
            "n_shared_experts": config.moe.num_shared_experts,
            "num_experts_per_tok": config.moe.num_experts_per_token,
            "moe_intermediate_size": config.moe.intermediate_size,
            "first_k_dense": config.moe.first_dense_layers,
            "routed_scaling_factor": config.moe.routed_scaling_factor,
            "norm_topk_prob": config.moe.norm_topk_prob,
            "scoring_func": "sigmoid",
        }
    return values


class _Entries:
    """The entries of a config, type-checked on access; null counts as missing.

    A wrong or missing value is a ValueError that names the file and the key.
    """

    def __init__(self, values: Mapping[str, Any], source: str) -> None:
        self.values = values
        self.source = source

    def error(self, key: str, wanted: str) -> ValueError:
        """Return the error for a value that is not `wanted`."""
        return ValueError(
            f"{self.source} has {_shown(self.values.get(key))} as {key!r}, which must be {wanted}: "
            "copy the file again"
        )

    def integer(self, key: str, default: int | None = None, minimum: int = 1) -> int:
        """Return an integer from `minimum` to 2**31 - 1."""
        value = self._value(key, default)
        if type(value) is not int or not minimum <= value <= _MAX_INT:
            raise self.error(key, f"a whole number from {minimum} to {_MAX_INT}")
        return value

    def number(self, key: str, default: float) -> float:
        """Return a finite number above 0."""
        value = self._value(key, default)
        # Compared before the conversion, because an integer may be too large for a float.
        if type(value) not in (int, float) or not 0 < value <= sys.float_info.max:
            raise self.error(key, "a number above 0")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        """Return a boolean."""
        value = self._value(key, default)
        if type(value) is not bool:
            raise self.error(key, "true or false")
        return value

    def ids(self, key: str, defaults: Mapping[str, int]) -> tuple[int, ...]:
        """Return the token ids of an entry that is one id, a list of ids or null."""
        value = self.values.get(key, defaults.get(key))
        ids = value if isinstance(value, list) else [] if value is None else [value]
        if not all(type(one) is int for one in ids):
            raise self.error(key, "a token id or a list of token ids")
        return tuple(ids)

    def _value(self, key: str, default: Any) -> Any:
        value = self.values.get(key)
        if value is not None:
            return value
        if default is None:
            raise ValueError(f"{self.source} lacks {key!r}: copy the complete file")
        return default


def _shown(value: Any) -> str:
    """Return a value as JSON for an error, cut if it is long."""
    text = json.dumps(value, default=str)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _architecture(values: Mapping[str, Any], source: str) -> str:
    """Return the name of the architecture; raise ValueError if it is not supported."""
    named = values.get("architectures") or values.get("model_type") or "no architecture"
    name = named[0] if isinstance(named, list) else named
    if not isinstance(name, str) or name not in (*_LLAMA, *_KOHAKU, *_DOTS1):
        raise ValueError(
            f"{source} describes {str(name)[:_MAX_SHOWN]}; TIPO Suite runs Llama models "
            f"({', '.join((_LLAMA[0], _KOHAKU[0], _DOTS1[0]))}): choose a TIPO model such as "
            "TIPO-500M"
        )
    return name


def _refuse_unsupported(entries: _Entries, rope: Mapping[str, Any]) -> None:
    """Raise ValueError for a setting that changes the result and that the model does not have."""
    values = entries.values
    scaling = values.get("rope_scaling") or (
        rope if rope.get("rope_type", "default") != "default" else None
    )
    layer_types = values.get("layer_types")
    if layer_types is None and values.get("sliding_window"):
        # Default of transformers' Dots1Config: layers from max_window_layers on are windowed.
        full_layers = entries.integer("max_window_layers", 62, minimum=0)
        layer_types = ["sliding_attention"] * (entries.integer("num_hidden_layers") > full_layers)
    if not isinstance(layer_types or [], list):
        raise entries.error("layer_types", "a list")
    activation = values.get("hidden_act") or "silu"
    scoring = values.get("scoring_func") or "sigmoid"
    groups = entries.integer("n_group", 1)
    other_types = [kind for kind in layer_types or [] if kind != "full_attention"]
    for name, unsupported in (
        ("rope_scaling", scaling),
        ("attention_bias", values.get("attention_bias")),
        ("mlp_bias", values.get("mlp_bias")),
        ("hidden_act", activation if activation != "silu" else None),
        ("layer_types", next(iter(other_types), None)),
        ("scoring_func", scoring if scoring != "sigmoid" else None),
        ("n_group", groups if groups > 1 else None),
    ):
        if unsupported:
            raise ValueError(
                f"{entries.source} asks for {name}={str(unsupported)[:_MAX_SHOWN]}, which is not "
                "supported: choose a TIPO model such as TIPO-500M"
            )


def _moe_config(entries: _Entries, architecture: str) -> MoEConfig | None:
    """Return the experts of a Kohaku or dots1 config, which differ in keys and in defaults."""
    num_experts = entries.integer("n_routed_experts", minimum=0)
    if not num_experts:
        return None
    is_kohaku = architecture in _KOHAKU
    first_dense = "first_k_dense" if is_kohaku else "first_k_dense_replace"
    per_token = entries.integer("num_experts_per_tok")
    if per_token > num_experts:
        raise entries.error("num_experts_per_tok", f"at most the {num_experts} experts")
    normalize = entries.flag("norm_topk_prob", is_kohaku)
    return MoEConfig(
        num_experts=num_experts,
        num_experts_per_token=per_token,
        num_shared_experts=entries.integer("n_shared_experts", int(is_kohaku), minimum=0),
        intermediate_size=entries.integer("moe_intermediate_size"),
        first_dense_layers=entries.integer(first_dense, int(is_kohaku), minimum=0),
        routed_scaling_factor=entries.number("routed_scaling_factor", 1.0),
        # Kohaku does not normalize the weight of a single expert.
        norm_topk_prob=normalize and not (is_kohaku and per_token == 1),
    )
