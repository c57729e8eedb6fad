"""The steps run below denoise 1, beside ComfyUI's and A1111's rules written out."""

from __future__ import annotations

import math

import pytest

from tipo_core.pictures.denoise import (
    DENOISE_MODES,
    RUN_ALL_STEPS,
    SCALE_STEPS,
    first_step,
    schedule_steps,
)

CASES = [(steps, part / 20) for steps in (1, 2, 7, 20, 30, 150) for part in range(1, 21)]


def run(steps: int, denoise: float, mode: str) -> list[int]:
    """Noise levels of a scheduler that counts down to 0, as our functions cut them."""
    length = schedule_steps(steps, denoise, mode)
    return list(range(length, -1, -1))[first_step(length, steps, denoise, mode) :]


def comfyui(steps: int, denoise: float) -> list[int]:
    if denoise > 0.9999:
        return list(range(steps, -1, -1))
    return list(range(int(steps / denoise), -1, -1))[-(steps + 1) :]


def a1111(steps: int, denoise: float) -> list[int]:
    t_enc = int(min(denoise, 0.999) * steps)
    return list(range(steps, -1, -1))[steps - t_enc - 1 :]


@pytest.mark.parametrize(("steps", "denoise"), CASES)
def test_steps_are_those_of_comfyui_and_of_a1111(steps: int, denoise: float) -> None:
    assert run(steps, denoise, RUN_ALL_STEPS) == comfyui(steps, denoise)
    assert run(steps, denoise, SCALE_STEPS) == a1111(steps, denoise)


def test_half_of_twenty_steps_is_twenty_or_eleven() -> None:
    assert len(run(20, 0.5, RUN_ALL_STEPS)) - 1 == 20
    assert len(run(20, 0.5, SCALE_STEPS)) - 1 == 11


@pytest.mark.parametrize("mode", DENOISE_MODES)
def test_denoise_1_runs_the_schedule_as_it_is_and_0_nothing(mode: str) -> None:
    for steps in (1, 20, 5000):
        assert schedule_steps(steps, 1.0, mode) == steps
        assert first_step(steps, steps, 1.0, mode) == 0
    assert schedule_steps(20, 0.0, mode) == 0
    assert first_step(20, 20, 0.0, mode) == 20


@pytest.mark.parametrize("length", [5, 12, 21])
def test_scheduler_that_makes_other_steps_is_cut_within_its_own(length: int) -> None:
    """`beta` leaves out equal levels and `ddim_uniform` rounds: 20 steps may be 12 or 21."""
    kept = length - first_step(length, 20, 0.5, SCALE_STEPS)
    assert kept == int(0.5 * length) + 1
    assert length - first_step(length, 20, 0.5, RUN_ALL_STEPS) == min(length, 20)


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
def test_what_means_nothing_is_named(steps: int, denoise: float, mode: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        schedule_steps(steps, denoise, mode)
    with pytest.raises(ValueError, match=named):
        first_step(20, steps, denoise, mode)
