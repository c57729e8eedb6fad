"""The shape of a model, as its `config.json` says it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What stands in `architectures` or, where that is missing, in `model_type`.
_LLAMA = ("LlamaForCausalLM", "llama")
_KOHAKU = ("KohakuForCausalLM", "kohaku")
_DOTS1 = ("Dots1ForCausalLM", "dots1")
# Ids that the author's own KohakuConfig has by default, and that his exporter leaves out.
_KOHAKU_IDS = {"bos_token_id": 64000, "eos_token_id": 64001}
_LARGEST = 2**31 - 1
_LONGEST_SHOWN = 60


@dataclass(frozen=True)
class ExpertsConfig:
    """The sparse feed-forward blocks of a mixture of experts (DeepSeekMoE, Dai et al. 2024).

    Each block has `number` routed experts, of which a token takes `per_token`, and `shared` ones
    that every token takes; each is a SwiGLU of `intermediate_size`. The first
    `first_dense_layers` layers have a dense block instead. The weights of the chosen experts are
    their sigmoid scores, made to sum to 1 if `normalize_weights`, times `routed_scaling`.
    """

    number: int
    per_token: int
    shared: int
    intermediate_size: int
    first_dense_layers: int
    routed_scaling: float
    normalize_weights: bool

    def __post_init__(self) -> None:
        if not 1 <= self.per_token <= self.number:
            raise ValueError(
                f"a token cannot take {self.per_token} of {self.number} experts: "
                "take the config from the same model"
            )


@dataclass(frozen=True)
class LlamaConfig:
    """Sizes of a Llama model; the field names are those of a Hugging Face `config.json`.

    `qk_norm` puts an RMSNorm on each head of queries and keys; `experts` is None for a model whose
    feed-forward blocks are all dense.
    """

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    max_position_embeddings: int
    rms_norm_eps: float
    rope_theta: float
    tie_word_embeddings: bool
    bos_token_id: int | None
    eos_token_ids: tuple[int, ...]
    qk_norm: bool = False
    experts: ExpertsConfig | None = None

    @property
    def feed_forward_width(self) -> int:
        """How many values one token needs inside the widest feed-forward block."""
        if self.experts is None:
            return self.intermediate_size
        # Gate, up and their product, what goes in and what comes out, for each chosen expert.
        experts = self.experts
        routed = experts.per_token * (3 * experts.intermediate_size + 2 * self.hidden_size)
        return max(self.intermediate_size, routed)

    def has_experts(self, layer: int) -> bool:
        """Whether the feed-forward block of `layer` is a mixture of experts."""
        return self.experts is not None and layer >= self.experts.first_dense_layers

    @classmethod
    def from_json(cls, values: Mapping[str, Any], source: str) -> LlamaConfig:
        """Return the config that `values` (a parsed `config.json`) describes.

        Raises ValueError, naming `source`, for another architecture, for what no TIPO model has
        (rope scaling, biases, sliding windows, groups of experts), and for a missing or odd value.
        """
        entries = _Entries(values, source)
        architecture = _architecture(values, source)
        # transformers >= 5 keeps theta under rope_parameters, older files at the top level.
        rope = values.get("rope_parameters") or {}
        if not isinstance(rope, Mapping):
            raise entries.refusal("rope_parameters", "an object")
        rope_entries = _Entries(rope, source)
        _refuse_unsupported(entries, rope)
        has_mixture = architecture not in _LLAMA
        special_ids = _KOHAKU_IDS if architecture in _KOHAKU else {}
        heads = entries.whole("num_attention_heads")
        hidden = entries.whole("hidden_size")
        kv_heads = entries.whole("num_key_value_heads", heads)
        if heads % kv_heads:
            raise entries.refusal("num_key_value_heads", f"a divisor of the {heads} heads")
        head_dim = entries.whole("head_dim", hidden // heads, least=0)
        if head_dim < 2 or head_dim % 2:
            raise ValueError(
                f"{source} asks for head_dim={head_dim}, which must be an even number above 0: "
                "copy it again"
            )
        return cls(
            vocab_size=entries.whole("vocab_size"),
            hidden_size=hidden,
            intermediate_size=entries.whole("intermediate_size"),
            num_hidden_layers=entries.whole("num_hidden_layers"),
            num_attention_heads=heads,
            num_key_value_heads=kv_heads,
            head_dim=head_dim,
            max_position_embeddings=entries.whole("max_position_embeddings"),
            rms_norm_eps=entries.number("rms_norm_eps", 1e-6),
            rope_theta=entries.number("rope_theta", rope_entries.number("rope_theta", 10000.0)),
            tie_word_embeddings=entries.flag("tie_word_embeddings", False),
            bos_token_id=next(iter(entries.ids("bos_token_id", special_ids)), None),
            eos_token_ids=entries.ids("eos_token_id", special_ids),
            # dots1 always has it; only a Kohaku file says.
            qk_norm=has_mixture and (architecture in _DOTS1 or entries.flag("qk_norm", True)),
            experts=_experts(entries, architecture) if has_mixture else None,
        )

    @classmethod
    def read(cls, path: Path) -> LlamaConfig:
        """Return the config in the file `path`; a broken file is a ValueError that names it."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path} is not valid JSON ({error}): copy it again") from error
        if not isinstance(values, dict):
            raise ValueError(f"{path} is not a model config: copy it again")
        return cls.from_json(values, str(path))

    def to_json(self) -> dict[str, Any]:
        """Return the `config.json` of this model: Llama's, or Kohaku's with its own keys."""
        kind = _KOHAKU if self.qk_norm or self.experts else _LLAMA
        values: dict[str, Any] = {
            "architectures": [kind[0]],
            "model_type": kind[1],
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "intermediate_size": self.intermediate_size,
            "num_hidden_layers": self.num_hidden_layers,
            "num_attention_heads": self.num_attention_heads,
            "num_key_value_heads": self.num_key_value_heads,
            "head_dim": self.head_dim,
            "hidden_act": "silu",
            "attention_bias": False,
            "mlp_bias": False,
            "max_position_embeddings": self.max_position_embeddings,
            "rms_norm_eps": self.rms_norm_eps,
            "rope_theta": self.rope_theta,
            "tie_word_embeddings": self.tie_word_embeddings,
            "bos_token_id": self.bos_token_id,
            "eos_token_id": list(self.eos_token_ids),
            "torch_dtype": "float16",
        }
        if kind is _KOHAKU:
            values |= {"qk_norm": self.qk_norm, "n_routed_experts": 0}
        if self.experts:
            values |= {
                "n_routed_experts": self.experts.number,
                "n_shared_experts": self.experts.shared,
                "num_experts_per_tok": self.experts.per_token,
                "moe_intermediate_size": self.experts.intermediate_size,
                "first_k_dense": self.experts.first_dense_layers,
                "routed_scaling_factor": self.experts.routed_scaling,
                "norm_topk_prob": self.experts.normalize_weights,
                "scoring_func": "sigmoid",
            }
        return values


class _Entries:
    """The entries of a config, each of the type that is asked for; null is as good as none.

    Anything else is a ValueError that names the file and the key.
    """

    def __init__(self, values: Mapping[str, Any], source: str) -> None:
        self.values = values
        self.source = source

    def refusal(self, key: str, wanted: str) -> ValueError:
        """Return the error for a value that is not what is `wanted`."""
        shown = json.dumps(self.values.get(key), default=str)
        shown = shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."
        return ValueError(
            f"{self.source} has {shown} as {key!r}, which must be {wanted}: copy it again"
        )

    def whole(self, key: str, default: int | None = None, least: int = 1) -> int:
        """Return a whole number from `least` up to what a size can be."""
        value = self._value(key, default)
        if type(value) is not int or not least <= value <= _LARGEST:
            raise self.refusal(key, f"a whole number from {least} to {_LARGEST}")
        return value

    def number(self, key: str, default: float) -> float:
        """Return a finite number above 0."""
        value = self._value(key, default)
        # Compared as it is: an integer may be too large for a float.
        if type(value) not in (int, float) or not 0 < value <= sys.float_info.max:
            raise self.refusal(key, "a number above 0")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self._value(key, default)
        if type(value) is not bool:
            raise self.refusal(key, "true or false")
        return value

    def ids(self, key: str, defaults: Mapping[str, int]) -> tuple[int, ...]:
        """Return the token ids of an entry that holds one, several or null."""
        value = self.values.get(key, defaults.get(key))
        several = value if isinstance(value, list) else [] if value is None else [value]
        if not all(type(one) is int for one in several):
            raise self.refusal(key, "a token id or a list of them")
        return tuple(several)

    def _value(self, key: str, default: Any) -> Any:
        value = self.values.get(key)
        if value is not None:
            return value
        if default is None:
            raise ValueError(f"{self.source} lacks {key!r}: the file is incomplete")
        return default


def _architecture(values: Mapping[str, Any], source: str) -> str:
    """Return what the file calls its architecture, one of those that are supported."""
    named = values.get("architectures") or values.get("model_type") or "no architecture"
    name = named[0] if isinstance(named, list) else named
    if not isinstance(name, str) or name not in (*_LLAMA, *_KOHAKU, *_DOTS1):
        raise ValueError(
            f"{source} describes {name}; TIPO Suite runs Llama models "
            f"({', '.join((_LLAMA[0], _KOHAKU[0], _DOTS1[0]))}): choose a TIPO model such as "
            "TIPO-500M"
        )
    return name


def _refuse_unsupported(entries: _Entries, rope: Mapping[str, Any]) -> None:
    """Raise ValueError for what would change the numbers and is not computed here."""
    values = entries.values
    scaling = values.get("rope_scaling") or (
        rope if rope.get("rope_type", "default") != "default" else None
    )
    kinds = values.get("layer_types")
    if kinds is None and values.get("sliding_window"):
        # transformers' Dots1Config: layers from max_window_layers on slide unless this says.
        full_layers = entries.whole("max_window_layers", 62, least=0)
        kinds = ["sliding_attention"] * (entries.whole("num_hidden_layers") > full_layers)
    if not isinstance(kinds or [], list):
        raise entries.refusal("layer_types", "a list")
    activation = values.get("hidden_act") or "silu"
    scoring = values.get("scoring_func") or "sigmoid"
    groups = entries.whole("n_group", 1)
    for name, unsupported in (
        ("rope_scaling", scaling),
        ("attention_bias", values.get("attention_bias")),
        ("mlp_bias", values.get("mlp_bias")),
        ("hidden_act", activation if activation != "silu" else None),
        ("layer_types", next((kind for kind in kinds or [] if kind != "full_attention"), None)),
        ("scoring_func", scoring if scoring != "sigmoid" else None),
        ("n_group", groups if groups > 1 else None),
    ):
        if unsupported:
            raise ValueError(
                f"{entries.source} asks for {name}={unsupported}, which is not supported"
            )


def _experts(entries: _Entries, architecture: str) -> ExpertsConfig | None:
    """Return the experts of a Kohaku or dots1 config; the two differ in keys and in defaults."""
    number = entries.whole("n_routed_experts", least=0)
    if not number:
        return None
    is_kohaku = architecture in _KOHAKU
    first_dense = "first_k_dense" if is_kohaku else "first_k_dense_replace"
    per_token = entries.whole("num_experts_per_tok")
    if per_token > number:
        raise entries.refusal("num_experts_per_tok", f"at most the {number} experts")
    normalize = entries.flag("norm_topk_prob", is_kohaku)
    return ExpertsConfig(
        number=number,
        per_token=per_token,
        shared=entries.whole("n_shared_experts", int(is_kohaku), least=0),
        intermediate_size=entries.whole("moe_intermediate_size"),
        first_dense_layers=entries.whole(first_dense, int(is_kohaku), least=0),
        routed_scaling=entries.number("routed_scaling_factor", 1.0),
        # Kohaku leaves the weight of a single expert as it is.
        normalize_weights=normalize and not (is_kohaku and per_token == 1),
    )
