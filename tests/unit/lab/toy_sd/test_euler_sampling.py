"""Euler steps and schedules by hand; tests/host/image/test_toy_sd.py compares with ComfyUI."""

from __future__ import annotations

import math

import pytest
import torch

from lab.toy_sd.model.diffusion import signal_shares
from lab.toy_sd.report import euler_sampling as sampling

SIGMAS = torch.tensor([0.5, 1.0, 2.0, 8.0])
SD1 = sampling.sigmas_of(signal_shares())


def test_normal_schedule_goes_evenly_over_time_steps_to_0() -> None:
    assert sampling.normal_sigmas(4, SIGMAS).tolist() == pytest.approx([8, 2, 1, 0.5, 0])
    # Time steps 3, 1.5, 0: between two, sigma is the geometric mean.
    expected = [8, math.sqrt(2 * 1), 0.5, 0]
    assert sampling.normal_sigmas(3, SIGMAS).tolist() == pytest.approx(expected)


def test_denoise_takes_the_end_of_a_longer_schedule() -> None:
    whole = sampling.normal_sigmas(66, SD1)  # int(20 / 0.3)
    part = sampling.denoise_sigmas(20, 0.3, SD1)
    assert torch.equal(part, whole[-21:]) and len(whole) == 67
    assert torch.equal(sampling.denoise_sigmas(20, 1.0, SD1), sampling.normal_sigmas(20, SD1))
    assert len(sampling.denoise_sigmas(20, 0.0, SD1)) == 0


def test_euler_by_hand() -> None:
    seen: list[int] = []

    def predict(x: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        seen.append(int(timesteps[0]))
        return x

    schedule = torch.tensor([3.0, 1.0, 0.0])
    start, noise = torch.full((1, 4, 1, 1), 0.25), torch.full((1, 4, 1, 1), 2.0)
    found = sampling.euler(predict, start, noise, schedule, SIGMAS)
    x = 0.25 + 2 * 3
    x += x / math.sqrt(1 + 3**2) * (1 - 3)
    x += x / math.sqrt(1 + 1**2) * (0 - 1)
    assert found.flatten().tolist() == pytest.approx([x] * 4)
    assert seen == [2, 1]  # 3 is nearest to 2 of the sigmas, by ratio


def test_a_whole_schedule_begins_with_noise_of_the_whole_variance() -> None:
    start, noise = torch.zeros(1, 4, 1, 1), torch.ones(1, 4, 1, 1)
    found = sampling.euler(lambda x, t: 0 * x, start, noise, torch.tensor([8.0, 0.0]), SIGMAS)
    assert found.flatten().tolist() == pytest.approx([math.sqrt(65)] * 4)


def test_no_steps_give_the_start() -> None:
    start = torch.rand(1, 4, 1, 1)
    found = sampling.euler(lambda x, t: 1 / 0, start, start, torch.zeros(0), SIGMAS)  # type: ignore[arg-type, return-value]
    assert torch.equal(found, start)


def test_at_cfg_1_the_negative_is_not_computed() -> None:
    rows: list[int] = []

    def predict(x: torch.Tensor, t: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        rows.append(len(x))
        return x + context.mean((1, 2))[:, None, None, None]

    positive, negative = torch.full((2, 1, 1), 3.0), torch.full((2, 1, 1), 1.0)
    x, times = torch.zeros(2, 4, 2, 2), torch.tensor([5, 6])
    for cfg, expected, computed in ((1, 3.0, 2), (4, 9.0, 4)):
        assert (sampling.with_cfg(predict, positive, negative, cfg)(x, times) == expected).all()
        assert rows[-1] == computed
