"""A training of a small model in SDXL's form inside ComfyUI; prints the results as JSON.

Both text encoders have three layers and random weights. Run by test_training_models.py.
"""

from __future__ import annotations

import importlib
import json
import math
from types import SimpleNamespace
from typing import Any

import comfy.model_patcher
import comfy.sd
import comfy.sdxl_clip
import comfy.supported_models
import torch

from tests.host.train.training_tools import digest, marks, pictures, recipe

sessions = importlib.import_module("pack.nodes.train.training_session")
conditions = importlib.import_module("pack.nodes.train.caption_conditions")
ordinary_layers = importlib.import_module("pack.devkit.server.dynamic_vram").ordinary_layers
CPU = torch.device("cpu")
LAYERS = {"num_hidden_layers": 3}
UNET = {
    "image_size": 32, "in_channels": 4, "out_channels": 4, "model_channels": 64,
    "use_spatial_transformer": True, "legacy": False, "use_checkpoint": False,
    "use_temporal_attention": False, "dtype": torch.float32, "num_res_blocks": [1, 1],
    "channel_mult": [1, 2], "adm_in_channels": 2816, "num_classes": "sequential",
    "transformer_depth": [0, 1], "transformer_depth_middle": 1, "num_head_channels": 32,
    "transformer_depth_output": [0, 0, 1, 1], "use_linear_in_transformer": True,
    "context_dim": 2048,
}  # fmt: skip


def fill(module: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    for weight in module.parameters():
        weight.data.copy_(torch.randn(weight.shape, generator=generator) * 0.05)


def new_clip() -> Any:
    target = SimpleNamespace(
        params={}, clip=comfy.sdxl_clip.SDXLClipModel, tokenizer=comfy.sdxl_clip.SDXLTokenizer
    )
    options = {"clip_l_model_config": LAYERS, "clip_g_model_config": LAYERS}
    return comfy.sd.CLIP(target, model_options=options)


def make() -> tuple[Any, Any]:
    with torch.inference_mode():
        with ordinary_layers():
            config = comfy.supported_models.SDXL(UNET)
            config.set_inference_dtype(torch.float32, None)
            model = config.get_model({}, device=CPU)
            fill(model.diffusion_model)
            filled = new_clip().cond_stage_model
            fill(filled)
        # As from a file: under DynamicVRAM layers get their weights from it.
        clip = new_clip()
        for name in ("clip_l", "clip_g"):
            state = getattr(filled, name).transformer.state_dict()
            getattr(clip.cond_stage_model, name).transformer.load_state_dict(state)
        return comfy.model_patcher.ModelPatcher(model, CPU, CPU), clip


def wave(value: float) -> torch.Tensor:
    """SDXL's embedding of a number: 128 cosines, then 128 sines."""
    frequencies = torch.exp(-math.log(10000) * torch.arange(128) / 128)
    return torch.cat([torch.cos(value * frequencies), torch.sin(value * frequencies)])


model, clip = make()
before = digest(model.model), digest(clip.cond_stage_model)
generator = torch.Generator().manual_seed(1)


def picture(caption: str, size: tuple[int, int] | None, crop: tuple[int, int] = (0, 0)) -> Any:
    latent = torch.randn(4, 8, 8, generator=generator)
    return pictures.TrainingPicture(
        caption, caption[:9], latent=latent, original_size=size, crop=crop
    )


LONG = "sks critter, " + ", ".join(f"word {n}" for n in range(60))
subject = pictures.PictureSet((picture(LONG, (640, 320), (32, 16)),), LONG, "sks")
class_set = pictures.PictureSet((picture("critter", None),), "critter")
with conditions.training_mode():
    session = sessions.TrainingSession(
        model, clip, None, subject, class_set, recipe(text_encoder="lora", targets="linear")
    )
    counted = session.activation_bytes()
    seen: list[dict[str, Any]] = []
    with session.injected():
        network = session.model.model.diffusion_model

        def note(_: Any, args: Any, kwargs: Any) -> None:
            seen.append({"y": kwargs["y"].detach(), "context": list(kwargs["context"].shape)})

        hook = network.register_forward_pre_hook(note, with_kwargs=True)
        # The factors that are zero give no gradient to the others.
        for layer in {**session.parts.unet, **session.parts.text}.values():
            layer.up.data.fill_(0.01)
        loss = session.loss(0, 0)
        loss.total.backward()
        hook.remove()
    text = {
        name: None if one.up.grad is None else one.up.grad.norm().item()
        for name, one in session.parts.text.items()
    }
y = torch.cat([one["y"] for one in seen])
sizes = [(320, 640, 16, 32, 64, 64), (64, 64, 0, 0, 64, 64)]
wanted = torch.stack([torch.cat([wave(value) for value in row]) for row in sizes])
print(
    json.dumps(
        {
            "contexts": [one["context"] for one in seen],
            "sizes": (y[:, 1280:] - wanted).abs().max().item(),
            "pooled": y[:, :1280].abs().mean().item(),
            "gradients": text,
            "loss": loss.total.item(),
            "counted": [counted.kept, counted.checkpointed],
            "same": (digest(model.model), digest(clip.cond_stage_model)) == before,
            "left": [one for one in marks(model.model, clip.cond_stage_model) if "forward" in one],
        }
    )
)
