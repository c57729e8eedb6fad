"""The cfg of a step and its rescaling, compared with the formulas in numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from tipo_core.pictures.sampling.guidance import Guidance, rescaled, step_at

SIGMAS = [14.6, 9.0, 4.0, 1.5, 0.5, 0.03, 0.0]


def cfgs(steps: int, cfg: float, **changes: float) -> list[float]:
    guidance = Guidance(cfg, **changes)
    return [guidance.at(step, steps) for step in range(steps)]


def test_forty_percent_of_twenty_steps_are_eight() -> None:
    assert cfgs(20, 7.0, start=0.2, end=0.6) == [1.0] * 4 + [7.0] * 8 + [1.0] * 8
    assert cfgs(20, 7.0, end=0.4) == [7.0] * 8 + [1.0] * 12
    assert cfgs(20, 7.0, start=0.6) == [1.0] * 12 + [7.0] * 8


def test_neighbouring_intervals_share_no_step_and_leave_none_out() -> None:
    for steps in range(1, 60):
        for hundredth in range(101):
            cut = hundredth / 100
            before, after = cfgs(steps, 7.0, end=cut), cfgs(steps, 7.0, start=cut)
            if 0.0 < cut < 1.0:
                assert [a + b for a, b in zip(before, after, strict=True)] == [8.0] * steps
    assert Guidance(7.0).at(20, 20) == 7.0


def test_empty_interval_computes_no_negative() -> None:
    assert cfgs(20, 7.0, start=0.5, end=0.5) == [1.0] * 20


def test_ramp_goes_from_the_first_to_the_last_step() -> None:
    np.testing.assert_allclose(cfgs(5, 8.0, end_value=2.0), np.linspace(8, 2, 5))
    np.testing.assert_allclose(cfgs(20, 3.0, end_value=9.0), np.linspace(3, 9, 20))
    assert cfgs(1, 8.0, end_value=2.0) == [8.0]
    # The ramp is one over the schedule: an interval shows a part of it.
    assert cfgs(5, 8.0, end_value=2.0, start=0.4, end=0.8) == [1.0, 1.0, 5.0, 3.5, 1.0]


def test_ramp_that_is_none() -> None:
    for end_value in (-1.0, 8.0):
        assert not Guidance(8.0, end_value=end_value).has_ramp
        assert cfgs(4, 8.0, end_value=end_value) == [8.0] * 4
    assert Guidance(8.0, end_value=0.0).has_ramp


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"start": -0.1}, "cfg_start -0.1"),
        ({"end": 1.5}, r"cfg_end 1\.5"),
        ({"start": math.nan}, "cfg_start nan"),
        ({"start": 0.8, "end": 0.4}, r"cfg_start 0\.8 is greater than cfg_end 0\.4: exchange"),
        ({"cfg": -1.0}, "cfg -1"),
        ({"cfg": math.inf}, "cfg inf"),
        ({"end_value": -0.5}, r"cfg_end_value -0\.5 .* or -1 for no ramp"),
        ({"end_value": math.nan}, "cfg_end_value nan"),
    ],
)
def test_values_out_of_range_are_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Guidance(**{"cfg": 7.0} | changes)


def test_noise_level_tells_the_step() -> None:
    assert [step_at(sigma, SIGMAS) for sigma in SIGMAS] == [0, 1, 2, 3, 4, 5, 6]
    assert step_at(6.5, SIGMAS) == 1.5
    assert step_at(100.0, SIGMAS) == 0.0
    assert step_at(0.015, SIGMAS) == pytest.approx(5.5)
    # A sampler's own rounding does not move a step over the edge of an interval.
    assert step_at(4.0000004, SIGMAS) == step_at(3.9999996, SIGMAS) == 2.0


def test_equal_noise_levels_do_not_divide_by_zero() -> None:
    assert step_at(5.0, [9.0, 5.0, 5.0, 0.0]) == 2.0
    assert step_at(0.0, [9.0, 0.0, 0.0]) == 2.0


def batch(seed: int) -> torch.Tensor:
    values = np.random.default_rng(seed).normal(size=(2, 4, 6, 5))
    return torch.from_numpy(values)


@pytest.mark.parametrize("is_flow", [False, True])
def test_rescale_is_that_of_the_paper_on_velocities(is_flow: bool) -> None:
    clean, positive, noise = batch(1) * 1.7, batch(2), batch(3)
    sigma = np.array([0.8, 0.3])
    for picture, level in enumerate(sigma):
        # alpha and noise share of the model's own process; x in ComfyUI's scale.
        alpha, share = (
            (1 - level, level) if is_flow else np.array([1.0, level]) / np.hypot(1, level)
        )
        scale = 1.0 if is_flow else alpha
        x = (alpha * clean[picture] + share * noise[picture]).numpy() / scale

        def velocity(x0: torch.Tensor, x: Any, alpha: Any, share: Any, scale: Any) -> Any:
            implied = (x * scale - alpha * x0.numpy()) / share
            return implied - x0.numpy() if is_flow else alpha * implied - share * x0.numpy()

        v = velocity(clean[picture], x, alpha, share, scale)
        v_pos = velocity(positive[picture], x, alpha, share, scale)
        v_new = 0.7 * v * v_pos.std(ddof=1) / v.std(ddof=1) + 0.3 * v
        # Back to the clean picture by the process, not by the code's inverse.
        expected = x * scale - share * v_new if is_flow else alpha * (x * scale) - share * v_new
        found = rescaled(
            clean[picture : picture + 1],
            positive[picture : picture + 1],
            torch.from_numpy(x)[None],
            torch.tensor([level]),
            0.7,
            is_flow=is_flow,
        )
        np.testing.assert_allclose(found[0].numpy(), expected, rtol=1e-9, atol=1e-9)


def test_pictures_of_a_batch_are_rescaled_each_alone() -> None:
    denoised, positive, x = (
        batch(1) * torch.tensor([1.0, 5.0]).reshape(2, 1, 1, 1),
        batch(2),
        batch(3),
    )
    sigma = torch.tensor([2.0, 0.5], dtype=torch.float64)
    both = rescaled(denoised, positive, x, sigma, 0.5, is_flow=False)
    for i in range(2):
        part = slice(i, i + 1)
        alone = rescaled(denoised[part], positive[part], x[part], sigma[part], 0.5, is_flow=False)
        torch.testing.assert_close(both[part], alone)


def test_rescale_does_not_change_constant_or_equal_velocities() -> None:
    flat, x = torch.zeros(1, 4, 6, 5), torch.zeros(1, 4, 6, 5)
    found = rescaled(flat, batch(2)[:1].float(), x, torch.ones(1), 1.0, is_flow=True)
    torch.testing.assert_close(found, flat)
    same = rescaled(batch(1), batch(1), batch(3), torch.ones(2), 1.0, is_flow=False)
    torch.testing.assert_close(same, batch(1))


def test_ramp_ends_with_its_last_step() -> None:
    """Samplers may call the model once more at the end of the schedule."""
    assert Guidance(3.0, end_value=9.0).at(5, 5) == 9.0
    assert Guidance(3.0, end_value=9.0).at(4.5, 5) == 9.0


def test_limits_themselves_are_allowed() -> None:
    assert cfgs(3, 0.0) == [0.0] * 3
    assert cfgs(2, 4.0, start=0.0, end=1.0, end_value=0.0) == [4.0, 0.0]


def test_only_rounding_is_removed_from_a_step() -> None:
    assert step_at(9.02, [10.0, 9.0, 0.0]) == pytest.approx(0.98)
    assert step_at(9.0009, [10.0, 9.0, 0.0]) == 1.0
