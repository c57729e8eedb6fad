"""The text encoder of toy-sd: the architecture of CLIP-L with weights from a fixed seed.

It is never trained and is made when needed, because its 246 MB are too large to ship. The UNet
learns to read any encoder whose outputs differ between prompts. Random weights alone do not bind
neighbouring words, because their attention is nearly the mean over all earlier tokens. So heads of
the first layer attend exactly one or two tokens back: `_PLACES` dimensions of each vector encode
the token's position, no layer overwrites these, and the heads compare these alone. Thus "green" in
"green hills" changes the vector of "hills".
"""

from __future__ import annotations

import hashlib

import numpy as np

from .counter_random import normal_like

WIDTH = 768
LAYERS = 12
HEADS = 12
VOCABULARY = 49408
POSITIONS = 77
PREFIX = "cond_stage_model.transformer.text_model."
SHA256 = "7b700eb43eb14b2e15ef2587b8ccb287573d105dae554957b5288ff575549f8b"

_SEED = "toy-sd text tower 1"
_HEAD = WIDTH // HEADS
_PLACES = 64  # positions repeat after this many tokens; prompts are shorter
_WORDS = WIDTH - _PLACES  # dimensions of a vector for its token
_PLACE = 8.0  # value of the dimension that encodes a token's position
# Scale of the heads that look back; their token gets over 0.99 of the attention.
_SHARPNESS = 1.5
# Tokens back of the first heads of the first layer; all other heads are random.
_LOOK_BACK = (1, 1, 1, 1, 1, 1, 1, 2, 2)
# Sizes (RMS) of the updates of attention and MLP for vectors of size 1. RMS differences of the last
# hidden states with these: "hills" and "field" 1.4, "hills" in "green hills" and in "red hills"
# 0.8, "green hills" at two positions 0.2, clip skip 1 and 2 0.1.
_ATTENTION_FIRST = 1.0
_ATTENTION_LATER = 0.15
_MLP = 0.3

Weights = dict[str, np.ndarray]


def text_tower() -> Weights:
    """Return the weights in fp16 by their names in an SD1.x checkpoint; takes about a second.

    Raises RuntimeError if a value differs from the training's.
    """
    weights = {PREFIX + name: value for name, value in _made().items()}
    if digest(weights) != SHA256:
        raise RuntimeError(
            f"the weights of toy-sd's text encoder differ with numpy {np.__version__}, so pictures "
            "would not follow the prompt: update numpy, or report this as a bug"
        )
    return weights


def digest(weights: Weights) -> str:
    """Return the SHA-256 of all names and values, in the order of the names."""
    seen = hashlib.sha256()
    for name in sorted(weights):
        seen.update(name.encode())
        seen.update(weights[name].astype("<f2", copy=False).tobytes())
    return seen.hexdigest()


def _made() -> Weights:
    token = np.zeros((VOCABULARY, WIDTH), np.float16)
    token[:, :_WORDS] = _random("token", (VOCABULARY, _WORDS), 1.0)
    position = np.zeros((POSITIONS, WIDTH), np.float16)
    places = np.arange(POSITIONS)
    position[places, _WORDS + places % _PLACES] = _PLACE
    weights = {
        "embeddings.token_embedding.weight": token,
        "embeddings.position_embedding.weight": position,
    }
    for layer in range(LAYERS):
        key = f"encoder.layers.{layer}"
        weights.update(_attention(f"{key}.self_attn", layer))
        for name, out, into in (("fc1", 4 * WIDTH, WIDTH), ("fc2", WIDTH, 4 * WIDTH)):
            gain = _MLP if name == "fc2" else 1.0
            weights.update(_linear(f"{key}.mlp.{name}", out, into, gain))
        _keep_places(weights[f"{key}.mlp.fc2.weight"])
        weights.update(_norm(f"{key}.layer_norm1"))
        weights.update(_norm(f"{key}.layer_norm2"))
    weights.update(_norm("final_layer_norm"))
    return weights


def _attention(key: str, layer: int) -> Weights:
    weights: Weights = {}
    gain = _ATTENTION_LATER if layer else _ATTENTION_FIRST
    for name, size in (("q_proj", 1.0), ("k_proj", 1.0), ("v_proj", 1.0), ("out_proj", gain)):
        weights.update(_linear(f"{key}.{name}", WIDTH, WIDTH, size))
    weights[f"{key}.v_proj.weight"][:, _WORDS:] = 0
    _keep_places(weights[f"{key}.out_proj.weight"])
    place = np.arange(_PLACES)
    for head, back in enumerate(() if layer else _LOOK_BACK):
        query, of_key = (
            weights[f"{key}.{name}.weight"][head * _HEAD : (head + 1) * _HEAD]
            for name in ("q_proj", "k_proj")
        )
        query[:], of_key[:] = 0, 0
        query[place, _WORDS + place] = _SHARPNESS
        # The key of a place matches the query of the place `back` further on.
        of_key[(place + back) % _PLACES, _WORDS + place] = _SHARPNESS
    return weights


def _keep_places(weight: np.ndarray) -> None:
    """Zero the rows of a matrix `out, in` that would change the position dimensions."""
    weight[_WORDS:] = 0


def _linear(key: str, out: int, into: int, gain: float) -> Weights:
    # A root and a quotient are exactly rounded everywhere.
    std = gain / float(np.sqrt(np.float64(into)))
    return {
        f"{key}.weight": _random(key, (out, into), std),
        f"{key}.bias": np.zeros(out, np.float16),
    }


def _norm(key: str) -> Weights:
    return {f"{key}.weight": np.ones(WIDTH, np.float16), f"{key}.bias": np.zeros(WIDTH, np.float16)}


def _random(name: str, shape: tuple[int, ...], std: float) -> np.ndarray:
    return normal_like(f"{_SEED} {name}", shape, std)
