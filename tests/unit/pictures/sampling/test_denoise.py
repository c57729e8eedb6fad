"""The steps that run below denoise 1, compared with A1111's rule."""

from __future__ import annotations

import math

import pytest

from tipo_core.pictures.sampling.denoise import (
    RUN_ALL_STEPS,
    SCALE_STEPS,
    check_denoise,
    first_step,
)


def run(steps: int, denoise: float) -> list[int]:
    """Noise levels of a scheduler that counts down to 0, as "scale steps" cuts them."""
    return list(range(steps, -1, -1))[first_step(steps, denoise) :]


def a1111(steps: int, denoise: float) -> list[int]:
    t_enc = int(min(denoise, 0.999) * steps)
    return list(range(steps, -1, -1))[steps - t_enc - 1 :]


@pytest.mark.parametrize("steps", [1, 2, 7, 20, 30, 150])
def test_steps_are_those_of_a1111(steps: int) -> None:
    for denoise in (part / 20 for part in range(1, 21)):
        assert run(steps, denoise) == a1111(steps, denoise), denoise


def test_half_of_twenty_steps_is_eleven() -> None:
    assert len(run(20, 0.5)) - 1 == 11


def test_denoise_1_runs_the_schedule_as_it_is() -> None:
    for steps in (1, 20, 5000):
        assert first_step(steps, 1.0) == 0


@pytest.mark.parametrize("length", [5, 12, 21])
def test_scheduler_that_makes_other_steps_is_cut_within_its_own(length: int) -> None:
    """`beta` leaves out equal levels and `ddim_uniform` rounds: 20 steps may be 12 or 21."""
    assert length - first_step(length, 0.5) == int(0.5 * length) + 1


@pytest.mark.parametrize(
    ("steps", "denoise", "mode", "named"),
    [
        (0, 0.5, SCALE_STEPS, "steps 0"),
        (20, -0.1, SCALE_STEPS, "denoise -0.1"),
        (20, 1.1, RUN_ALL_STEPS, "denoise 1.1"),
        (20, math.nan, RUN_ALL_STEPS, "denoise nan"),
        (20, 0.5, "a1111", "'a1111' is not known: choose run all steps or scale steps"),
    ],
)
def test_values_out_of_range_are_named(steps: int, denoise: float, mode: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        check_denoise(steps, denoise, mode)


def test_borders_are_those_of_comfyui_and_a1111() -> None:
    """ComfyUI runs all steps above 0.9999; A1111 counts with 0.999 at most."""
    assert first_step(5000, 0.9991) == first_step(5000, 0.9999) == 4
    assert first_step(5000, 0.99991) == 0


def test_schedule_without_steps_begins_at_0() -> None:
    assert first_step(0, 0.5) == 0


@pytest.mark.parametrize("denoise", [0.0, 0.5, 1.0])
def test_limits_themselves_are_allowed(denoise: float) -> None:
    for mode in (RUN_ALL_STEPS, SCALE_STEPS):
        check_denoise(1, denoise, mode)
