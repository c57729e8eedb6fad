"""What is trained of a model and its text encoder, and what becomes of it: keys and weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ...tipo_core.dreambooth.layers.frozen_layers import operation_of
from ...tipo_core.dreambooth.layers.lora_adapters import LoraAdapter, new_adapter
from ...tipo_core.dreambooth.layers.lora_file_keys import adapter_tensors
from ...tipo_core.dreambooth.layers.lora_targets import text_targets, unet_targets
from ...tipo_core.dreambooth.layers.owned_weights import OwnedWeights
from ...tipo_core.dreambooth.training_recipe import FULL, LORA, TOKEN, TrainingRecipe
from .caption_conditions import TokenVectors
from .injected_layers import weights_of

Layers = dict[str, "LoraAdapter | OwnedWeights"]
_NORMS = (torch.nn.GroupNorm, torch.nn.LayerNorm)


@dataclass(frozen=True)
class TrainedParts:
    """The trained layers of the model and of the text encoder by name, and a token's vectors."""

    unet: Layers
    text: Layers
    vectors: TokenVectors | None = None

    def parameters(self) -> tuple[dict[str, torch.nn.Parameter], dict[str, torch.nn.Parameter]]:
        """Return the parameters of the model's layers and of the text encoder's, by name."""
        text = _parameters(self.text)
        for name, rows in self.vectors.rows.items() if self.vectors else ():
            text[f"token.{name}"] = rows
        return _parameters(self.unet), text

    def to(self, device: torch.device) -> None:
        """Move the layers' weights to the device on which the model runs."""
        for layers in (self.unet, self.text):
            for layer in layers.values():
                layer.to(device)

    @property
    def count(self) -> int:
        """The number of trained values."""
        return sum(one.numel() for group in self.parameters() for one in group.values())

    def set(self, values: Mapping[str, torch.Tensor]) -> None:
        """Set the parameters to values by name, such as their average."""
        with torch.no_grad():
            for group in self.parameters():
                for name, parameter in group.items():
                    parameter.copy_(values[name])


def _parameters(layers: Layers) -> dict[str, torch.nn.Parameter]:
    return {
        f"{layer}.{name}": one
        for layer, module in layers.items()
        for name, one in module.named_parameters()
    }


def new_parts(recipe: TrainingRecipe, model: Any, clip: Any, token: str) -> TrainedParts:
    """Return the parts that a recipe trains, as they are before the first step.

    The model and the text encoder have to be loaded: copies of their layers are trained in full.
    """
    unet: Layers = {}
    if recipe.unet == LORA:
        unet = _adapters(unet_targets(model.model, recipe.targets), recipe)
    elif recipe.unet == FULL:
        unet = _copies(model.model.diffusion_model, "diffusion_model.")
    text: Layers = {}
    vectors = None
    if recipe.text_encoder == LORA:
        text = _adapters(text_targets(clip.cond_stage_model), recipe)
    elif recipe.text_encoder == FULL:
        text = _copies(clip.cond_stage_model, "")
    elif recipe.text_encoder == TOKEN:
        vectors = _token_vectors(clip, token)
    return TrainedParts(unet, text, vectors)


def _adapters(targets: Iterator[tuple[str, torch.nn.Module]], recipe: TrainingRecipe) -> Layers:
    layers: Layers = {}
    for name, layer in targets:
        operation, weight = operation_of(layer), layer.weight
        assert operation is not None and isinstance(weight, torch.Tensor)
        layers[name] = new_adapter(
            name,
            weight.shape,
            operation,
            rank=recipe.rank,
            alpha=recipe.lora_alpha,
            seed=recipe.seed,
        )
    return layers


def _copies(model: torch.nn.Module, prefix: str) -> Layers:
    layers: Layers = {}
    for name, layer in model.named_modules():
        is_layer = operation_of(layer) is not None or isinstance(layer, _NORMS)
        if is_layer and hasattr(layer, "comfy_cast_weights") and layer.weight is not None:
            layers[prefix + name] = OwnedWeights(*weights_of(layer))
    return layers


def _token_vectors(clip: Any, token: str) -> TokenVectors:
    if not token:
        raise ValueError(
            "the dataset has no token whose vector could be trained: give it one in DreamBooth "
            "Dataset, or set text_encoder to lora"
        )
    ids: dict[str, list[int]] = {}
    rows: dict[str, torch.Tensor] = {}
    for key, encoder in encoders_of(clip).items():
        numbers = token_ids(clip, token, key)
        weight = encoder.transformer.get_input_embeddings().weight
        ids[key], rows[key] = numbers, weight[numbers].float()
    if not ids or not all(ids.values()):
        raise ValueError(
            f"the token {token!r} cannot be trained in this text encoder: set text_encoder to lora"
        )
    return TokenVectors(ids, rows)


def encoders_of(clip: Any) -> dict[str, Any]:
    """Return the CLIP encoders by the keys of their tokens: 'l', 'g', 'h'."""
    found = {}
    for key in ("l", "g", "h"):
        encoder = getattr(clip.cond_stage_model, f"clip_{key}", None)
        if encoder is not None:
            found[key] = encoder
    return found


def token_ids(clip: Any, token: str, key: str) -> list[int]:
    """Return the numbers of a word in the vocabulary of one encoder."""
    special = {number for (number, *_) in clip.tokenize("")[key][0]}
    chunk = clip.tokenize(token)[key][0]
    return [number for (number, *_) in chunk if number not in special]


def layer_tensors(
    layers: Layers, original: Callable[[str], tuple[torch.Tensor, torch.Tensor | None]]
) -> dict[str, dict[str, torch.Tensor]]:
    """Return what a file holds of each layer: low-rank factors, or differences in fp32.

    `original` gives weight and bias of a layer that is trained in full, one layer at a time.
    """
    tensors: dict[str, dict[str, torch.Tensor]] = {}
    for name, layer in layers.items():
        if isinstance(layer, LoraAdapter):
            parts = adapter_tensors(layer.down, layer.up, layer.alpha)
        else:
            weight, bias = original(name)
            parts = {"diff": layer.weight - weight.to(layer.weight)}
            if layer.bias is not None and bias is not None:
                parts["diff_b"] = layer.bias - bias.to(layer.bias)
        tensors[name] = {end: one.detach().cpu().clone() for end, one in parts.items()}
    return tensors
