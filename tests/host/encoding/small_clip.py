"""CLIP values of small text models with random weights, inside ComfyUI's own Python."""

from __future__ import annotations

import importlib
from typing import Any

import comfy.sd
import comfy.supported_models_base
import torch

ordinary_layers = importlib.import_module("pack.devkit.server.dynamic_vram").ordinary_layers

SMALL = {
    "num_hidden_layers": 3,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 2,
    "projection_dim": 64,
}
SMALL_G = {**SMALL, "hidden_size": 96, "num_hidden_layers": 4, "projection_dim": 96}
SMALL_T5 = {"num_layers": 1, "d_model": 48, "d_ff": 64, "d_kv": 16, "num_heads": 3}


def clip_of(embeddings: str, target: type, tokenizer: type, *, is_centred: bool = False) -> Any:
    """Return a CLIP value of a text model with seeded random weights.

    With `is_centred` the norms have the weight 1 and the bias 0, as those of toy-sd: each vector
    of the output has the mean 0.
    """
    options = {
        "clip_l_model_config": SMALL,
        "clip_g_model_config": SMALL_G,
        "clip_h_model_config": SMALL,
        "t5xxl_model_config": SMALL_T5,
        "dtype": torch.float32,
    }
    wanted = comfy.supported_models_base.ClipTarget(tokenizer, target)

    def made() -> Any:
        return comfy.sd.CLIP(wanted, embedding_directory=[embeddings], model_options=options)

    with ordinary_layers():
        state = made().cond_stage_model.state_dict()
    generator = torch.Generator().manual_seed(7)
    for name, weight in state.items():
        if weight.is_floating_point():
            drawn = torch.randn(weight.shape, generator=generator) * 0.2
            is_norm = "norm" in name
            state[name] = 1 + drawn if is_norm and name.endswith("weight") else drawn
            if is_norm and is_centred:
                state[name] = torch.full_like(drawn, float(name.endswith("weight")))
    clip = made()
    clip.cond_stage_model.load_state_dict(state)
    return clip
