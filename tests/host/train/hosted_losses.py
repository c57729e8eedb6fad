"""The losses of a training against the raw output of toy-sd's UNet; prints them as JSON.

The argument is toy-sd's checkpoint. Each kind of model is the same UNet with another
model_sampling, as core's ModelSampling nodes make it. Run by test_training_models.py.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import comfy.lora
import comfy.model_management as management
import comfy.model_sampling as sampling
import torch

from tests.host.train.training_tools import digest, load, marks, picture_set, recipe

sessions = importlib.import_module("pack.nodes.train.training_session")
captions = importlib.import_module("pack.nodes.train.caption_conditions")
noise_levels = importlib.import_module("pack.tipo_core.dreambooth.noise_levels")
generators = importlib.import_module("pack.tipo_core.dreambooth.private_generators")

model, clip, vae = load(sys.argv[1])


def with_sampling(kind: str) -> Any:
    """A clone whose model_sampling is of a kind."""
    schedules = {
        "eps": (sampling.EPS, lambda: {}),
        "v": (sampling.V_PREDICTION, lambda: {}),
        "zsnr": (sampling.V_PREDICTION, lambda: {"zsnr": True}),
        "edm": (sampling.EDM, None),
        "flow": (sampling.CONST, None),
    }
    base, options = schedules[kind]
    schedule = {
        "edm": sampling.ModelSamplingContinuousEDM, "flow": sampling.ModelSamplingDiscreteFlow,
    }.get(kind, sampling.ModelSamplingDiscrete)  # fmt: skip
    made = type("Sampling", (schedule, base), {})(model.model.model_config, **(options or dict)())
    if kind == "edm":
        made.set_parameters(0.002, 80.0, 0.5)
    clone = model.clone()
    clone.add_object_patch("model_sampling", made)
    return clone


def target(kind: str, latent: torch.Tensor, noise: torch.Tensor, sigma: float) -> torch.Tensor:
    """What the network should predict: diffusers' formulas with alpha and sigma of VP."""
    if kind == "flow":
        return noise - latent
    if kind == "edm":
        data = 0.5  # Karras et al. 2022: (x0 - c_skip * x) / c_out
        skip, out = data**2 / (sigma**2 + data**2), sigma * data / (sigma**2 + data**2) ** 0.5
        return (latent - skip * (latent + sigma * noise)) / out
    alpha = (1 / (sigma**2 + 1)) ** 0.5
    if kind == "eps":
        return noise
    return alpha * noise - (1 - alpha**2) ** 0.5 * latent


def losses(kind: str) -> list[Any]:
    found = []
    patcher = with_sampling(kind)
    with captions.training_mode():
        settings = recipe(batch_size=2, seed=3)
        subject, class_set = picture_set(3, "sks critter"), picture_set(3, "critter")
        session = sessions.TrainingSession(patcher, clip, vae, subject, class_set, settings)
        outputs: list[torch.Tensor] = []
        with session.injected():
            net = session.model.model.diffusion_model
            hook = net.register_forward_hook(lambda _, __, output: outputs.append(output))
            for step in range(4):
                loss = session.loss(step, 0)
                generator = generators.generator_of(3, "noise", step)
                schedule = session._trained_model.schedule
                sigmas = noise_levels.draw_sigmas(schedule, 4, "auto", generator)
                halves = (session._subject, session._class)
                latents = [half.latents[n] for half in halves for n in half.order.batch(step)]
                noises = noise_levels.draw_noise([one.shape for one in latents], 0.0, generator)
                wanted = torch.stack([
                    target(kind, latent.double(), noise.double(), sigma)
                    for latent, noise, sigma in zip(latents, noises, sigmas.tolist(), strict=True)
                ])  # fmt: skip
                each = (outputs[-1].double() - wanted).square().flatten(1).mean(1)
                exact = (each[:2].mean() + each[2:].mean()).item()
                found.append([loss.total.item(), exact, sigmas.tolist()])
            hook.remove()
    return found


def low_memory() -> dict[str, Any]:
    """The loss of a model with a LoRA of the user's, with all of its layers loaded and with few."""
    keys = comfy.lora.model_lora_keys_unet(model.model, {})
    random = torch.Generator().manual_seed(0)
    file = {}
    for name in ("input_blocks.1.1.transformer_blocks.0.attn1.to_q", "middle_block.1.proj_in"):
        weight = model.model.state_dict()[f"diffusion_model.{name}.weight"]
        shape = weight.shape
        file[f"diffusion_model.{name}.lora_up.weight"] = torch.randn(
            shape[0], 2, *[1] * (len(shape) - 2), generator=random
        ) * 0.1  # fmt: skip
        file[f"diffusion_model.{name}.lora_down.weight"] = torch.randn(
            2, *shape[1:], generator=random
        )
    found: dict[str, Any] = {}
    with torch.inference_mode():
        management.load_models_gpu([model])  # with its own model_sampling again
    before = digest(model.model)
    for name in ("plain", "whole", "part"):
        patched = model.clone()
        if name != "plain":
            patched.add_patches(comfy.lora.load_lora(file, keys))
        with captions.training_mode():
            subject = picture_set(3, "sks critter")
            session = sessions.TrainingSession(patched, clip, vae, subject, None, recipe())
            with session.injected():
                if name == "part" and not getattr(patched, "is_dynamic", bool)():
                    # As load_models_gpu does where a device has little memory.
                    session.model.detach()
                    session.model.patch_model(torch.device("cpu"), 20e6)
                loss = session.loss(0, 0)
                loss.total.backward()
                some = next(iter(session.parts.unet.values())).up.grad
                found[name] = [loss.total.item(), some.norm().item()]
                found[f"{name} low"] = bool(session.model.model.model_lowvram)
    with torch.inference_mode():
        management.load_models_gpu([model])
    found["dynamic"] = bool(getattr(model, "is_dynamic", bool)())
    found["same"] = digest(model.model) == before
    found["left"] = [one for one in marks(model.model) if one.endswith(("forward", "hook"))]
    return found


def memory() -> list[int]:
    """The counted bytes of activations, and the bytes that autograd saves for a whole batch."""
    with captions.training_mode():
        pictures = picture_set(2, "sks critter", side=256), picture_set(2, "critter", side=192)
        session = sessions.TrainingSession(model, clip, vae, *pictures, recipe())
        counted = session.activation_bytes()
        saved: dict[int, Any] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            if not isinstance(tensor, torch.nn.Parameter):
                saved[tensor.untyped_storage()._cdata] = tensor.untyped_storage()
            return tensor

        with session.injected(), torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one):
            loss = session.loss(0, 0)
        del loss
    return [counted.kept, counted.checkpointed, sum(one.nbytes() for one in saved.values())]


kinds = ("eps", "v", "zsnr", "edm", "flow")
print(
    json.dumps(
        {
            "losses": {kind: losses(kind) for kind in kinds},
            "low memory": low_memory(),
            "memory": memory(),
        }
    )
)
