"""The shape of a Llama, as its `config.json` says it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LlamaConfig:
    """Sizes of a Llama model; the field names are those of a Hugging Face `config.json`."""

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

    @classmethod
    def from_json(cls, values: dict[str, Any], source: str) -> LlamaConfig:
        """Return the config that `values` (a parsed `config.json`) describes.

        Raises ValueError, naming `source`, for another architecture, for rope scaling and biases
        (which no TIPO model has), and for a missing size.
        """
        architectures = values.get("architectures") or [values.get("model_type", "none named")]
        if architectures[0] not in ("LlamaForCausalLM", "llama"):
            raise ValueError(
                f"{source} describes {architectures[0]}; TIPO Suite runs Llama models "
                "(LlamaForCausalLM): choose a TIPO v1 model such as TIPO-500M"
            )
        # transformers >= 5 keeps theta under rope_parameters, older files at the top level.
        rope = values.get("rope_parameters") or {}
        scaling = values.get("rope_scaling") or (
            rope if rope.get("rope_type", "default") != "default" else None
        )
        for name, unsupported in (
            ("rope_scaling", scaling),
            ("attention_bias", values.get("attention_bias")),
            ("mlp_bias", values.get("mlp_bias")),
        ):
            if unsupported:
                raise ValueError(f"{source} asks for {name}={unsupported}, which is not supported")
        try:
            heads = int(values["num_attention_heads"])
            hidden = int(values["hidden_size"])
            eos = values.get("eos_token_id")
            return cls(
                vocab_size=int(values["vocab_size"]),
                hidden_size=hidden,
                intermediate_size=int(values["intermediate_size"]),
                num_hidden_layers=int(values["num_hidden_layers"]),
                num_attention_heads=heads,
                num_key_value_heads=int(values.get("num_key_value_heads") or heads),
                head_dim=int(values.get("head_dim") or hidden // heads),
                max_position_embeddings=int(values["max_position_embeddings"]),
                rms_norm_eps=float(values.get("rms_norm_eps", 1e-6)),
                rope_theta=float(values.get("rope_theta") or rope.get("rope_theta") or 10000.0),
                tie_word_embeddings=bool(values.get("tie_word_embeddings", False)),
                bos_token_id=values.get("bos_token_id"),
                eos_token_ids=() if eos is None else tuple(eos if isinstance(eos, list) else [eos]),
            )
        except KeyError as error:
            raise ValueError(f"{source} lacks {error.args[0]!r}: the file is incomplete") from error

    @classmethod
    def read(cls, path: Path) -> LlamaConfig:
        """Return the config in the file `path`; a broken file is a ValueError that names it."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is not valid JSON ({error}): copy it again") from error
        if not isinstance(values, dict):
            raise ValueError(f"{path} is not a model config: copy it again")
        return cls.from_json(values, str(path))

    def to_json(self) -> dict[str, Any]:
        """Return the `config.json` of this model in the Hugging Face layout."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
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
