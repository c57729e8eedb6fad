"""What a training gives: clones to draw with, LORA_MODEL, and a file that exists at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import comfy.lora
import folder_paths
import torch

from ...tipo_core.dreambooth.layers.lora_file_keys import comfy_name, kohya_names, with_names
from ...tipo_core.dreambooth.run_state import write_safetensors
from ...tipo_core.dreambooth.training_recipe import TrainingRecipe
from ...tipo_core.pictures.files.file_prefix import name_problem, prefix_problem

LayerTensors = Mapping[str, Mapping[str, torch.Tensor]]


def as_lora_model(tensors: LayerTensors) -> dict[str, torch.Tensor]:
    """Return the value of a LORA_MODEL link, as core's Train LoRA makes it."""
    return with_names(tensors, {layer: comfy_name(layer) for layer in tensors})


def with_lora(model: Any, clip: Any, lora: Mapping[str, torch.Tensor]) -> tuple[Any, Any]:
    """Return clones of a model and a CLIP with the trained change as ordinary patches.

    Raises RuntimeError if a key of `lora` fits neither.
    """
    keys = comfy.lora.model_lora_keys_unet(model.model, {})
    keys = comfy.lora.model_lora_keys_clip(clip.cond_stage_model, keys)
    patches = comfy.lora.load_lora(dict(lora), keys, log_missing=False)
    model, clip = model.clone(), clip.clone()
    used = {*model.add_patches(patches), *clip.add_patches(patches)}
    if unused := patches.keys() - used:
        raise RuntimeError(f"trained weights fit no layer of the model: {sorted(unused)[:3]}")
    return model, clip


def with_token_vectors(clip: Any, vectors: Any) -> Any:
    """Return a clone of a CLIP whose token has the trained vectors."""
    clip = clip.clone()
    state = clip.cond_stage_model.state_dict()
    for key, ids in vectors.ids.items():
        name = next(
            one for one in state if one.startswith(f"clip_{key}.") and "token_embedding" in one
        )
        weight = state[name]
        change = torch.zeros(weight.shape, dtype=torch.float32)
        rows = vectors.rows[key].detach().cpu().float()
        change[ids] = rows - weight[ids].detach().cpu().float()
        clip.add_patches({name: ("diff", (change,))})
    return clip


def save_lora(
    prefix: str,
    tensors: LayerTensors,
    recipe: TrainingRecipe,
    unet_config: Mapping[str, Any],
    trigger: str,
) -> Path:
    """Write a LoRA file with kohya's keys into ComfyUI's output folder; return its path.

    The name is `prefix` with a counter, so no file is replaced; see `check_prefix`.
    """
    path = _free_path(prefix)
    names = kohya_names(list(tensors), blocks_per_level(unet_config))
    write_safetensors(path, with_names(tensors, names), lora_metadata(path.stem, recipe, trigger))
    return path


def save_token_vectors(prefix: str, vectors: Any) -> Path:
    """Write an embedding file that ComfyUI and A1111 read; return its path."""
    path = _free_path(prefix)
    rows = {key: one.detach().cpu().float() for key, one in vectors.rows.items()}
    if len(rows) == 1:
        tensors = {"emb_params": next(iter(rows.values()))}
    else:
        tensors = {f"clip_{key}": one for key, one in rows.items()}
    write_safetensors(path, tensors, {})
    return path


def check_prefix(prefix: str) -> None:
    """Raise ValueError for a name that no file in the output folder can have.

    Called before a training, which would find it out after hours.
    """
    if prefix and (problem := prefix_problem(prefix, folder_paths.get_output_directory())):
        raise ValueError(problem)
    if prefix.endswith("/"):
        raise ValueError(
            f"filename_prefix {prefix!r} ends with a folder: add a name, such as {prefix}dreambooth"
        )
    if prefix and (problem := name_problem(f"{Path(prefix).name}_token_00001_.safetensors")):
        raise ValueError(problem)


def _free_path(prefix: str) -> Path:
    folder, name, counter, *_ = folder_paths.get_save_image_path(
        prefix, folder_paths.get_output_directory()
    )
    # ComfyUI counts pictures named so; files of the training are counted on from them.
    while (path := Path(folder) / f"{name}_{counter:05}_.safetensors").exists():
        counter += 1
    return path


def blocks_per_level(unet_config: Mapping[str, Any]) -> int | None:
    """Return the residual blocks of a level of an SD1.x or SD2.x UNet, None for other models."""
    blocks = unet_config.get("num_res_blocks")
    if blocks is None or unet_config.get("adm_in_channels") is not None:
        return None
    count = blocks if isinstance(blocks, int) else blocks[0]
    same = isinstance(blocks, int) or all(one == count for one in blocks)
    return int(count) if same else None


def lora_metadata(name: str, recipe: TrainingRecipe, trigger: str) -> dict[str, str]:
    """Return the metadata of a LoRA file under the keys of kohya's scripts."""
    return {
        "ss_output_name": name,
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(recipe.rank),
        "ss_network_alpha": str(recipe.lora_alpha),
        "ss_learning_rate": str(recipe.learning_rate),
        "ss_steps": str(recipe.steps),
        "modelspec.title": name,
        "modelspec.trigger_phrase": trigger,
        "tipo_suite_recipe": json.dumps(recipe.as_json()),
    }
