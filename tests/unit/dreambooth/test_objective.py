"""Losses and gradients against diffusers' formulas (train_dreambooth.py, train_dreambooth_sd3.py).

The formulas are written here anew, in diffusers' own variables: a network sees the scaled noisy
latent and predicts; its target is made from latent and noise. The project sees only the denoised
latent, as ComfyUI's model_sampling computes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch.nn import functional

from tipo_core.dreambooth.objective import (
    Prediction,
    dreambooth_loss,
    error_factors,
    errors,
    min_snr_factors,
    signal_to_noise,
)

STEPS = 1000
Network = Callable[[torch.Tensor], torch.Tensor]


def alphas_cumprod() -> torch.Tensor:
    """SD's schedule in diffusers: scaled_linear, 0.00085 to 0.012."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, STEPS, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, dim=0)


def network() -> torch.nn.Conv2d:
    torch.manual_seed(1)
    return torch.nn.Conv2d(4, 4, 3, padding=1).double()


def batch(count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    latents = torch.randn(count, 4, 6, 5, generator=generator, dtype=torch.float64)
    noise = torch.randn(latents.shape, generator=generator, dtype=torch.float64)
    timesteps = torch.tensor([3, 130, 480, 777, 950, 20])[:count]
    return latents, noise, timesteps


def view(values: torch.Tensor) -> torch.Tensor:
    return values.reshape(-1, 1, 1, 1)


def diffusers_parts(
    kind: Prediction, net: Network, latents: torch.Tensor, noise: torch.Tensor, t: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The network's output, its target and the SNR."""
    if kind is Prediction.FLOW:
        sigma = (t.double() + 1) / STEPS
        noisy = (1 - view(sigma)) * latents + view(sigma) * noise
        return net(noisy), noise - latents, ((1 - sigma) / sigma) ** 2
    shares = alphas_cumprod()[t]
    noisy = view(shares).sqrt() * latents + view(1 - shares).sqrt() * noise
    target = noise
    if kind is Prediction.V:
        target = view(shares).sqrt() * noise - view(1 - shares).sqrt() * latents
    return net(noisy), target, shares / (1 - shares)


def denoised(
    kind: Prediction,
    net: Network,
    latents: torch.Tensor,
    noise: torch.Tensor,
    t: torch.Tensor,
    dtype: torch.dtype = torch.float64,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The denoised latent and the noise level, in the form of ComfyUI's samplers."""
    if kind is Prediction.FLOW:
        sigma = ((t.double() + 1) / STEPS).to(dtype)
        noisy = view(sigma) * noise + (1 - view(sigma)) * latents
        return noisy - net(noisy) * view(sigma), sigma
    shares = alphas_cumprod()[t]
    sigma = ((1 - shares) / shares).sqrt().to(dtype)
    noisy = latents + view(sigma) * noise
    output = net(noisy / (view(sigma) ** 2 + 1).sqrt())
    if kind is Prediction.EPS:
        return noisy - output * view(sigma), sigma
    scale = view(sigma) ** 2 + 1
    return noisy / scale - output * view(sigma) / scale.sqrt(), sigma


KINDS = [Prediction.EPS, Prediction.V, Prediction.FLOW]


def both_losses(
    kind: Prediction, gamma: float, prior_weight: float | None
) -> list[tuple[torch.Tensor, list[torch.Tensor]]]:
    """Loss and gradients: diffusers', then the project's."""
    count = 3 if prior_weight is None else 6
    latents, noise, t = batch(count)
    found = []
    for ours in (False, True):
        net = network()
        if ours:
            clean, sigma = denoised(kind, net, latents, noise, t)
            each = errors(kind, clean, latents, sigma)
            factors = min_snr_factors(kind, sigma[:3], gamma) if gamma else None
            prior = None if prior_weight is None else each[3:]
            loss = dreambooth_loss(each[:3], factors, prior, prior_weight or 0).total
        else:
            output, target, snr = diffusers_parts(kind, net, latents, noise, t)
            squares = functional.mse_loss(output[:3], target[:3], reduction="none")
            weights = torch.ones(3, dtype=torch.float64)
            if gamma:
                weights = torch.minimum(snr[:3], torch.full((3,), gamma, dtype=torch.float64))
                sigma = (t[:3].double() + 1) / STEPS
                weights = {
                    Prediction.EPS: weights / snr[:3],
                    Prediction.V: weights / (snr[:3] + 1),
                    Prediction.FLOW: weights * sigma**2,
                }[kind]
            loss = (squares.mean(dim=(1, 2, 3)) * weights).mean()
            if prior_weight is not None:
                loss = loss + prior_weight * functional.mse_loss(output[3:], target[3:])
        loss.backward()
        found.append(
            (loss.detach(), [one.grad for one in net.parameters() if one.grad is not None])
        )
    return found


@pytest.mark.parametrize("prior_weight", [None, 1.0, 0.3])
@pytest.mark.parametrize("gamma", [0.0, 5.0, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_loss_and_gradient_are_those_of_diffusers(
    kind: Prediction, gamma: float, prior_weight: float | None
) -> None:
    (theirs, their_gradients), (ours, our_gradients) = both_losses(kind, gamma, prior_weight)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-9)
    for one, other in zip(our_gradients, their_gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_fp32_is_exact_enough_at_the_lowest_noise(kind: Prediction) -> None:
    latents, noise, t = batch(1)
    t[:] = 0
    output, target, _ = diffusers_parts(kind, network(), latents, noise, t)
    exact = functional.mse_loss(output, target).item()
    single = network().float()

    def net(x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = single(x.float())
        return output

    clean, sigma = denoised(kind, net, latents.float(), noise.float(), t, torch.float32)
    assert clean.dtype == torch.float32
    assert errors(kind, clean, latents.float(), sigma).item() == pytest.approx(exact, rel=1e-4)


def test_zero_terminal_snr_gives_finite_losses() -> None:
    sigma = torch.tensor([4518.0])  # the last level of ComfyUI's rescaled schedule
    for kind in (Prediction.EPS, Prediction.V):
        factors = min_snr_factors(kind, sigma, 5.0)
        assert torch.isfinite(factors).all() and torch.isfinite(error_factors(kind, sigma)).all()


def test_pure_noise_of_a_flow_model_has_no_signal() -> None:
    assert signal_to_noise(Prediction.FLOW, torch.tensor([1.0])).item() == 0
    assert signal_to_noise(Prediction.FLOW, torch.tensor([0.5])).item() == 1


def test_edm_factor_is_that_of_karras() -> None:
    sigma, data = torch.tensor([0.3, 5.0]), 0.5
    c_out = sigma * data / (data**2 + sigma**2).sqrt()
    torch.testing.assert_close(error_factors(Prediction.EDM, sigma, data), 1 / c_out)


def test_min_snr_never_raises_a_weight_of_eps() -> None:
    sigma = torch.logspace(-1.5, 1.2, 50)
    factors = min_snr_factors(Prediction.EPS, sigma, 5.0)
    assert factors.max() <= 1 + 1e-6
    assert factors[sigma > math.sqrt(1 / 5)].min() == pytest.approx(1)
