"""ComfyUI's KSampler in one process: sampler "euler", scheduler "normal", steps, CFG, denoise.

Sigmas are those of SD1.x: the standard deviation of the noise on a latent of standard deviation 1.
A host test compares the latents with KSampler's, so measures of toy-sd hold for the node.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from ..model.diffusion import Predict, guided

TextPredict = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]

# ComfyUI treats a denoise above this as 1.
_WHOLE = 0.9999


def sigmas_of(shares: torch.Tensor) -> torch.Tensor:
    """Return the sigma of each time step from the signal's share of the variance."""
    return ((1 - shares) / shares).sqrt()


def normal_sigmas(steps: int, sigmas: torch.Tensor) -> torch.Tensor:
    """Return `steps` sigmas at even time steps from the last to the first, and 0.

    Between two time steps the logarithm of sigma is interpolated.
    """
    times = torch.linspace(len(sigmas) - 1, 0, steps, dtype=torch.float64)
    low = times.floor().long()
    high = times.ceil().long()
    share = times - low
    logs = sigmas.double().log()
    chosen = ((1 - share) * logs[low] + share * logs[high]).exp()
    return torch.cat([chosen, chosen.new_zeros(1)]).float()


def denoise_sigmas(steps: int, denoise: float, sigmas: torch.Tensor) -> torch.Tensor:
    """Return the last `steps` + 1 sigmas of a schedule of steps / denoise; none for denoise 0."""
    if denoise <= 0:
        return sigmas.new_zeros(0)
    if denoise > _WHOLE:
        return normal_sigmas(steps, sigmas)
    return normal_sigmas(int(steps / denoise), sigmas)[-(steps + 1) :]


@torch.no_grad()
def euler(
    predict: Predict,
    start: torch.Tensor,
    noise: torch.Tensor,
    schedule: torch.Tensor,
    sigmas: torch.Tensor,
) -> torch.Tensor:
    """Return latents `B, 4, H, W` from a start (zeros: from nothing) and noise of that shape.

    `predict` returns the noise of a noisy latent scaled to standard deviation 1, for the time step
    with the nearest sigma. Euler's steps in sigma: Karras et al. 2022, Algorithm 2 without churn.
    """
    if not len(schedule):
        return start
    first = float(schedule[0])
    whole = first > float(sigmas[-1]) or math.isclose(first, float(sigmas[-1]), rel_tol=1e-5)
    x = start + noise * (math.sqrt(1 + first**2) if whole else first)
    for here, there in zip(schedule[:-1].tolist(), schedule[1:].tolist(), strict=True):
        timestep = (sigmas.log() - math.log(here)).abs().argmin().expand(len(x))
        error = predict(x / math.sqrt(1 + here**2), timestep.to(x.device)).float()
        x = x + error * (there - here)
    return x


def with_cfg(
    predict: TextPredict, positive: torch.Tensor, negative: torch.Tensor, cfg: float
) -> Predict:
    """Return a prediction guided by texts `B, T, C`; at CFG 1 the negative is not computed."""
    if math.isclose(cfg, 1):
        return lambda x, timesteps: predict(x, timesteps, positive)
    return guided(predict, positive, negative, cfg)
