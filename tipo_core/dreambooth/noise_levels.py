"""The noise levels of a training step: drawn from a model's schedule, with the noise itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .objective import Prediction

UNIFORM, LOGIT_NORMAL = "uniform", "logit-normal"
AUTO = "auto"
TIMESTEP_CHOICES = (AUTO, UNIFORM, LOGIT_NORMAL)


@dataclass(frozen=True)
class NoiseSchedule:
    """The noise levels of a model, ascending (`T`), and what the model predicts."""

    sigmas: torch.Tensor
    prediction: Prediction
    sigma_data: float = 1.0


def draw_sigmas(
    schedule: NoiseSchedule, count: int, choice: str, generator: torch.Generator
) -> torch.Tensor:
    """Return `count` noise levels of the schedule on the CPU.

    `uniform` draws each time step with the same probability, as diffusers' scripts do for eps and
    v. `logit-normal` draws the middle ones more often (Esser et al. 2024, arXiv 2403.03206), as
    they do for flow models. `auto` is the choice for the model. Raises ValueError for another name.
    """
    if choice not in TIMESTEP_CHOICES:
        raise ValueError(f"timesteps {choice!r} is unknown: choose {', '.join(TIMESTEP_CHOICES)}")
    is_flow = schedule.prediction is Prediction.FLOW
    if choice == LOGIT_NORMAL or (choice == AUTO and is_flow):
        shares = torch.randn(count, generator=generator).sigmoid()
    else:
        shares = torch.rand(count, generator=generator)
    steps = len(schedule.sigmas)
    places = (shares * steps).long().clamp(max=steps - 1)
    return schedule.sigmas.cpu()[places].float()


def draw_noise(
    shapes: Sequence[torch.Size], offset: float, generator: torch.Generator
) -> list[torch.Tensor]:
    """Return the noise of latents `C, ...` on the CPU.

    With `offset`, a value for each channel is added that is the same at all places, so that the
    model learns bright and dark pictures (offset noise, Guttenberg 2023).
    """
    noises = []
    for shape in shapes:
        noise = torch.randn(shape, generator=generator)
        if offset:
            flat = torch.randn(shape[0], *[1] * (len(shape) - 1), generator=generator)
            noise = noise + offset * flat
        noises.append(noise)
    return noises
