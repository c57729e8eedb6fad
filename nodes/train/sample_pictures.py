"""Pictures that are drawn during a training, with the weights of that step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comfy.sample
import numpy as np
import torch
from PIL import Image

from ...tipo_core.dreambooth.private_generators import generator_of
from .caption_conditions import as_conditioning
from .training_session import TrainingSession

# The same for all models: euler adds no noise, and simple fits every schedule.
_SAMPLER, _SCHEDULER = "euler", "simple"


@dataclass(frozen=True)
class SampleSettings:
    """What is drawn, every how many steps of the training (0: never), and how."""

    prompts: tuple[str, ...]
    every: int
    steps: int
    cfg: float
    seed: int


def draw_samples(
    session: TrainingSession, vae: Any, settings: SampleSettings
) -> list[torch.Tensor]:
    """Return a picture (`H, W, 3` on the CPU) for each prompt, of the size of the subject's first.

    Core's sampler runs with the layers as they are; the training's random numbers are untouched.
    """
    pictures = []
    shape = session.latent_shape
    with torch.inference_mode():
        conditions = session.captions.encode([*settings.prompts, ""])
        for number, prompt in enumerate(settings.prompts):
            generator = generator_of(settings.seed, "sample", number)
            latent = comfy.sample.sample(
                session.model,
                torch.randn((1, *shape), generator=generator),
                settings.steps,
                settings.cfg,
                _SAMPLER,
                _SCHEDULER,
                as_conditioning(conditions[prompt]),
                as_conditioning(conditions[""]),
                torch.zeros((1, *shape)),
                disable_pbar=True,
                seed=settings.seed,
            )
            pictures.append(vae.decode(latent)[0].float().cpu().clamp(0, 1))
    return pictures


def strip(pictures: list[torch.Tensor]) -> Image.Image:
    """Return pictures side by side."""
    joined = torch.cat(pictures, dim=1)
    return Image.fromarray((joined.numpy() * 255).round().astype(np.uint8))
