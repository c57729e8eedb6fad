"""The noise schedule, the loss and the sampler of toy-sd."""

from __future__ import annotations

import pytest
import torch

from lab.toy_sd.model import diffusion

SHARES = diffusion.signal_shares()


def test_schedule_is_that_of_sd1() -> None:
    # The first and last sigmas of SD1.x, as samplers know them.
    sigmas = ((1 - SHARES) / SHARES).sqrt()
    assert len(SHARES) == 1000 and (SHARES.diff() < 0).all()
    assert sigmas[0].item() == pytest.approx(0.0292, abs=1e-4)
    assert sigmas[-1].item() == pytest.approx(14.6146, abs=1e-3)


def test_noisy_latents_keep_unit_size() -> None:
    generator = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 3, 4, 64, 64, generator=generator)
    noisy = diffusion.add_noise(clean, noise, torch.tensor([0, 500, 999]), SHARES)
    assert noisy.std((1, 2, 3)).tolist() == pytest.approx([1, 1, 1], abs=0.03)
    assert torch.allclose(noisy[0], clean[0], atol=0.2)
    assert torch.allclose(noisy[2], noise[2], atol=0.4)


def test_sampler_finds_what_a_perfect_prediction_knows() -> None:
    clean = torch.linspace(-1, 1, 4 * 16).reshape(1, 4, 4, 4)

    def predict(x: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        share = SHARES[timesteps][:, None, None, None]
        return (x - share.sqrt() * clean) / (1 - share).sqrt()

    noise = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(1))
    for steps in (1, 7):
        found = diffusion.ddim(predict, noise, steps, SHARES)
        assert torch.allclose(found, clean, atol=1e-2)


def test_guidance_goes_from_the_negative_through_the_positive() -> None:
    def predict(x: torch.Tensor, t: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        return x + context.mean((1, 2))[:, None, None, None]

    positive, negative = torch.full((2, 1, 1), 3.0), torch.full((2, 1, 1), 1.0)
    x, times = torch.zeros(2, 4, 2, 2), torch.tensor([5, 6])
    for cfg, expected in ((0, 1.0), (1, 3.0), (4, 9.0)):
        assert (diffusion.guided(predict, positive, negative, cfg)(x, times) == expected).all()


def test_loss_is_weighted_by_the_time_step() -> None:
    weights = diffusion.loss_weights(SHARES, 5.0)
    ratio = SHARES / (1 - SHARES)
    assert (weights[ratio <= 5] == 1).all()
    assert torch.allclose((weights * ratio)[ratio > 5], torch.tensor(5.0))
    assert (diffusion.loss_weights(SHARES, 0.0) == 1).all()
    floored = diffusion.loss_weights(SHARES, 5.0, 0.25)
    assert torch.allclose((floored * ratio)[ratio < 0.25], torch.tensor(0.25))
    assert torch.equal(floored[ratio >= 0.25], weights[ratio >= 0.25])
    clean, noise, times = torch.zeros(2, 4, 2, 2), torch.ones(2, 4, 2, 2), torch.tensor([0, 900])
    loss = diffusion.noise_loss(
        lambda x, t: torch.zeros_like(x), clean, noise, times, SHARES, weights
    )
    assert loss.item() == pytest.approx((weights[0].item() + 1) / 2)
