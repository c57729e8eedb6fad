"""toy-sd, pictures and settings of a short training, inside ComfyUI's own Python."""

from __future__ import annotations

import hashlib
import importlib
from typing import Any

import comfy.sd
import torch

train_node = importlib.import_module("pack.nodes.train.dreambooth_train")
training_run = importlib.import_module("pack.nodes.train.training_run")
recipes = importlib.import_module("pack.tipo_core.dreambooth.training_recipe")
pictures = importlib.import_module("pack.tipo_core.dreambooth.training_pictures")
samples = importlib.import_module("pack.nodes.train.sample_pictures")
NO_SAMPLES = samples.SampleSettings((), 0, 2, 1.0, 0)


def load(checkpoint: str) -> tuple[Any, Any, Any]:
    """Return model, CLIP and VAE, loaded in inference mode as by ComfyUI's loader node."""
    with torch.inference_mode():
        model, clip, vae, *_ = comfy.sd.load_checkpoint_guess_config(
            checkpoint, output_vae=True, output_clip=True
        )
    return model, clip, vae


def digest(module: torch.nn.Module) -> str:
    """Return a digest of all weights."""
    found = hashlib.blake2b(digest_size=16)
    for name, one in module.state_dict().items():
        found.update(f"{name}{tuple(one.shape)}{one.dtype}".encode())
        found.update(
            one.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        )
    return found.hexdigest()


def marks(*modules: torch.nn.Module) -> list[str]:
    """Return what a training may leave on layers: replaced functions, hooks, gradients."""
    found = []
    for module in modules:
        for name, layer in module.named_modules():
            found += [f"{name}.{key}" for key in vars(layer) if key in ("forward", "_tipo_forward")]
            found += [f"{name} hook"] * bool(layer._forward_hooks or layer._forward_pre_hooks)
            found += [f"{name} function"] * bool(getattr(layer, "weight_function", []))
        found += [name for name, one in module.named_parameters() if one.requires_grad]
        found += [name for name, one in module.named_parameters() if one.grad is not None]
    return found


def picture_set(count: int, caption: str, token: str = "", side: int = 64) -> Any:
    """Return pictures of noise; the same for the same arguments."""
    generator = torch.Generator().manual_seed(len(caption))
    return pictures.PictureSet(
        tuple(
            pictures.TrainingPicture(
                caption, f"{caption} {n}", pixels=torch.rand(side, side, 3, generator=generator)
            )
            for n in range(count)
        ),
        caption,
        token,
    )


def train(model: Any, clip: Any, vae: Any, recipe: Any, **more: Any) -> Any:
    """Run a training as the node does, in inference mode."""
    subject = more.pop("subject", None) or picture_set(3, "sks critter", "sks")
    class_set = more.pop("class_set", picture_set(4, "critter"))
    settings = {"save_every": 0, "prefix": "", "show_text": lambda text: None, **more}
    given = settings.pop("samples", NO_SAMPLES)
    inputs = training_run.TrainingInputs(model, clip, vae, subject, class_set)
    with torch.inference_mode():
        return training_run.train(inputs, recipe, given, **settings)


def recipe(**settings: Any) -> Any:
    return recipes.TrainingRecipe(**{"rank": 4, "steps": 3, "learning_rate": 1e-3, **settings})
