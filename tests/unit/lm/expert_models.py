"""Small mixtures of experts with random weights, in the files of TIPO v2."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from tipo_core.lm.files.fused_weights import hf_shapes
from tipo_core.lm.files.hf_config import hf_config, read_hf_config
from tipo_core.lm.files.loader import PlainOperations
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.model.config import LlamaConfig, MoEConfig
from tipo_core.lm.model.llama import Llama

EXPERTS = MoEConfig(
    num_experts=8,
    num_experts_per_token=3,
    num_shared_experts=1,
    intermediate_size=24,
    first_dense_layers=1,
    routed_scaling_factor=1.0,
    norm_topk_prob=True,
)
State = dict[str, torch.Tensor]


def mixture_config(files: ModelFiles) -> LlamaConfig:
    """The config of `files` as a mixture of experts, in proportions like those of TIPO v2."""
    return replace(read_hf_config(files.config), qk_norm=True, moe=EXPERTS)


def kohaku_state(config: LlamaConfig, seed: int = 0) -> State:
    """Random weights with Kohaku's names, large enough that each part has an effect."""
    moe = config.moe
    assert moe is not None
    hidden, inner, shared = config.hidden_size, moe.intermediate_size, moe.num_shared_experts
    model = Llama(config, PlainOperations, device="meta")
    shapes = {
        name: shape
        for name, shape in hf_shapes(model.state_dict(), config).items()
        if "experts." not in name and "expert_bias" not in name
    }
    for layer in range(moe.first_dense_layers, config.num_hidden_layers):
        mlp = f"model.layers.{layer}.mlp."
        shapes[mlp + "expert_bias"] = (moe.num_experts,)
        for matrix in ("gate_proj", "up_proj", "down_proj"):
            rows, columns = (hidden, inner) if matrix == "down_proj" else (inner, hidden)
            shapes[mlp + matrix] = (moe.num_experts, rows, columns)
            width = inner * shared
            if shared:
                shapes[f"{mlp}shared_expert.{matrix}.weight"] = (
                    (hidden, width) if matrix == "down_proj" else (width, hidden)
                )
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        values = torch.randn(shape, generator=generator)
        if len(shape) == 1:
            state[name] = values * 0.1 + (0 if "bias" in name else 1)
        else:
            state[name] = values * (1 if "embed" in name else 1.5 * shape[-1] ** -0.5)
    return state


def in_dots1_names(state: State) -> State:
    """Return `state` with the names of dots.llm1: one tensor per expert and matrix."""
    single: State = {}
    for name, weight in state.items():
        before, _, matrix = name.rpartition(".")
        if name.endswith("_proj"):
            for number, one in enumerate(weight):
                single[f"{before}.experts.{number}.{matrix}.weight"] = one.contiguous()
        else:
            name = name.replace("mlp.expert_bias", "mlp.gate.e_score_correction_bias")
            single[name.replace("shared_expert.", "shared_experts.")] = weight
    return single


def as_dots1(values: dict[str, object]) -> None:
    values.update(architectures=["Dots1ForCausalLM"], model_type="dots1")
    values["first_k_dense_replace"] = values.pop("first_k_dense")


def write_kohaku(folder: Path, config: LlamaConfig, state: State, tokenizer: Path) -> ModelFiles:
    """Write a folder as the author's exporter does."""
    save_file(state, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(hf_config(config)))
    shutil.copy(tokenizer, folder / "tokenizer.json")
    return ModelFiles(folder)
