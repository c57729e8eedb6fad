"""The noise schedule, DDPM (Ho et al. 2020) with SD1.x's betas, and DDIM for sample grids."""

from __future__ import annotations

from collections.abc import Callable

import torch

TIMESTEPS = 1000

Predict = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def signal_shares() -> torch.Tensor:
    """Return the signal's share of the variance at each of 1000 time steps.

    SD1.x's "scaled linear" schedule: the roots of the betas go evenly from that of 0.00085 to that
    of 0.012.
    """
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, TIMESTEPS, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


def add_noise(
    latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor, shares: torch.Tensor
) -> torch.Tensor:
    """Return noisy latents `B, 4, H, W` at time steps `B`."""
    share = shares[timesteps][:, None, None, None]
    return share.sqrt() * latents + (1 - share).sqrt() * noise


def loss_weights(shares: torch.Tensor, gamma: float, floor: float = 0.0) -> torch.Tensor:
    """Return the weights of the noise's error by time step; all 1 for gamma 0.

    The picture's error is weighted by the signal-to-noise ratio, clamped to `floor`..`gamma`
    (min-SNR, Hang et al. 2023). At the noisiest steps the ratio falls to 0.005, and only the prompt
    determines the picture; without a floor, the loss of colours there has almost no weight.
    """
    ratio = shares / (1 - shares)
    return (ratio.clamp(floor, gamma) / ratio) if gamma else torch.ones_like(shares)


def noise_loss(
    predict: Predict,
    latents: torch.Tensor,
    noise: torch.Tensor,
    timesteps: torch.Tensor,
    shares: torch.Tensor,
    weights: torch.Tensor,
) -> torch.Tensor:
    """Return the weighted mean square error of the predicted noise."""
    predicted = predict(add_noise(latents, noise, timesteps, shares), timesteps)
    errors = (predicted.float() - noise).pow(2).mean((1, 2, 3))
    return (errors * weights[timesteps]).mean()


@torch.no_grad()
def ddim(predict: Predict, noise: torch.Tensor, steps: int, shares: torch.Tensor) -> torch.Tensor:
    """Return latents for start noise `B, 4, H, W`, in `steps` even steps (Song et al. 2021)."""
    times = torch.linspace(TIMESTEPS - 1, 0, steps).round().long().tolist()
    x = noise
    for here, there in zip(times, [*times[1:], None], strict=True):
        share = shares[here]
        error = predict(x, torch.full((len(x),), here, device=x.device))
        clean = (x - (1 - share).sqrt() * error) / share.sqrt()
        if there is None:
            return clean
        x = shares[there].sqrt() * clean + (1 - shares[there]).sqrt() * error
    return x


def guided(
    predict: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor],
    positive: torch.Tensor,
    negative: torch.Tensor,
    cfg: float,
) -> Predict:
    """Return a prediction with classifier-free guidance (Ho and Salimans 2022)."""

    def both(x: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        context = torch.cat([negative, positive])
        without, with_text = predict(x.repeat(2, 1, 1, 1), timesteps.repeat(2), context).chunk(2)
        return without + cfg * (with_text - without)

    return both
