"""Keys of LoRAs for the shapes of SD1.5 and SDXL inside ComfyUI; prints the results as JSON.

The models have no weights (meta device). Run by test_training_models.py (see inside.py).
"""

from __future__ import annotations

import importlib
import json
import logging
from types import SimpleNamespace
from typing import Any

import comfy.lora
import comfy.sd1_clip
import comfy.sdxl_clip
import comfy.supported_models
import comfy.utils
import torch

parts = importlib.import_module("pack.nodes.train.trained_parts")
results = importlib.import_module("pack.nodes.train.trained_results")
names = importlib.import_module("pack.tipo_core.dreambooth.layers.lora_file_keys")
recipes = importlib.import_module("pack.tipo_core.dreambooth.training_recipe")
ordinary_layers = importlib.import_module("pack.devkit.server.dynamic_vram").ordinary_layers

COMMON = {
    "image_size": 32, "in_channels": 4, "out_channels": 4, "model_channels": 320,
    "use_spatial_transformer": True, "legacy": False, "use_checkpoint": False,
    "use_temporal_attention": False, "dtype": torch.float32,
}  # fmt: skip
SD15 = {
    "num_res_blocks": [2, 2, 2, 2], "channel_mult": [1, 2, 4, 4], "adm_in_channels": None,
    "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0], "transformer_depth_middle": 1,
    "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0], "num_heads": 8,
    "use_linear_in_transformer": False, "context_dim": 768,
}  # fmt: skip
SDXL = {
    "num_res_blocks": [2, 2, 2], "channel_mult": [1, 2, 4], "adm_in_channels": 2816,
    "num_classes": "sequential", "transformer_depth": [0, 0, 2, 2, 10, 10],
    "transformer_depth_middle": 10, "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
    "num_head_channels": 64, "use_linear_in_transformer": True, "context_dim": 2048,
}  # fmt: skip


class Lines(logging.Handler):
    """Collects what ComfyUI logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def model_of(kind: str) -> tuple[Any, Any]:
    with ordinary_layers(), torch.device("meta"):
        if kind == "sd15":
            config = comfy.supported_models.SD15({**COMMON, **SD15})
            text = comfy.sd1_clip.SD1ClipModel(device="meta", dtype=torch.float32)
        else:
            config = comfy.supported_models.SDXL({**COMMON, **SDXL})
            text = comfy.sdxl_clip.SDXLClipModel(device="meta", dtype=torch.float32)
        config.set_inference_dtype(torch.float32, None)
        return config.get_model({}, device="meta"), text


def core_reads(model: Any, text: Any, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    """What core's loader makes of a file: lines of its log, and keys that no layer has."""
    keys = comfy.lora.model_lora_keys_unet(model, {})
    keys = comfy.lora.model_lora_keys_clip(text, keys)
    log = Lines()
    logging.getLogger().addHandler(log)
    patches = comfy.lora.load_lora(tensors, keys)
    logging.getLogger().removeHandler(log)
    weights = {**model.state_dict(), **text.state_dict()}
    wrong = [
        key
        for key, patch in patches.items()
        if key not in weights or patch.weights[0].shape[0] != weights[key].shape[0]
    ]
    return {"log": log.lines, "wrong": wrong, "count": len(patches)}


def check(kind: str) -> dict[str, Any]:
    model, text = model_of(kind)
    settings = recipes.TrainingRecipe(rank=1, text_encoder="lora", targets="linear and convolution")
    found = parts.new_parts(
        settings, SimpleNamespace(model=model), SimpleNamespace(cond_stage_model=text), ""
    )
    layers = {**found.unet, **found.text}
    tensors = parts.layer_tensors(layers, lambda name: (torch.empty(0), None))
    blocks = results.blocks_per_level(model.model_config.unet_config)
    kohya = names.kohya_names(list(layers), blocks)
    weights = comfy.utils.unet_to_diffusers(model.model_config.unet_config)
    small = {
        targets: len(parts.new_parts(
            recipes.TrainingRecipe(rank=1, targets=targets), SimpleNamespace(model=model), None, ""
        ).unet)
        for targets in ("attention", "linear")
    }  # fmt: skip
    return {
        "layers": len(layers),
        "text layers": len(found.text),
        "small": small,
        "lora model": core_reads(model, text, results.as_lora_model(tensors)),
        "kohya": core_reads(model, text, names.with_names(tensors, kohya)),
        "names": kohya,
        "modules": [name for name, _ in model.named_modules()],
        "diffusers": sorted(key.removesuffix(".weight") for key in weights),
    }


print(json.dumps({kind: check(kind) for kind in ("sd15", "sdxl")}))
