"""The steps of model calls, for samplers written here as a row of calls and reports."""

from __future__ import annotations

import pytest

from tipo_core.pictures.sampling.step_calls import (
    CallSteps,
    Rehearsal,
    StepInProgress,
    calls_of_steps,
)

SIGMAS = [8.0, 4.0, 2.0, 1.0, 0.0]


def steps_of(events: list[float | None]) -> tuple[int, ...] | None:
    found = calls_of_steps(Rehearsal(tuple(events)), SIGMAS)
    return found.steps if found else None


@pytest.mark.parametrize(
    ("sampler", "events", "steps"),
    [
        ("euler", [8, None, 4, None, 2, None, 1, None], (0, 1, 2, 3)),
        ("heun", [8, None, 4, 4, None, 2, 2, None, 1, 1, None], (0, 0, 1, 1, 2, 2, 3)),
        (
            "heunpp2",
            [8, None, 4, 2, 4, None, 2, 1, 2, None, 1, 1, None],
            (0, 0, 0, 1, 1, 1, 2, 2, 3),
        ),
        ("dpm_2", [8, None, 6, 4, None, 3, 2, None, 1.5, 1, None], (0, 0, 1, 1, 2, 2, 3)),
        ("sa_solver_pece", [8, None, 4, None, 4, 2, None, 2, 1, None, 1], (0, 1, 1, 2, 2, 3, 3)),
        ("uni_pc", [8, None, 4.001, None, 2.001, None, 1.001, None], (0, 1, 2, 3)),
        ("report at the end", [8, 4, None, 4, 2, None, 2, 1, None, 1, None], (0, 0, 1, 1, 2, 2, 3)),
        ("off the levels, report at the end", [9, 5, None, 5, 3, None, 3, 1.5, None, 1.5, None],
         (0, 0, 1, 1, 2, 2, 3)),
        ("off the levels", [9, None, 5, 5, None, 3, 3, None, 2, 2, None], (0, 0, 1, 1, 2, 2, 3)),
        ("dpm_fast", [8, None, 6, 5, 3, None], (0, 1, 2, 3)),
    ],
)  # fmt: skip
def test_each_call_has_the_step_that_it_works_for(
    sampler: str, events: list[float | None], steps: tuple[int, ...]
) -> None:
    assert steps_of(events) == steps, sampler


def test_sampler_with_steps_of_its_own_has_no_plan() -> None:
    assert steps_of([8, 6, 5, None, 5, 3, 2, None]) is None


def test_rehearsal_is_followed_as_long_as_the_noise_levels_agree() -> None:
    calls = CallSteps((0, 0, 1, 1, 2, 2, 3), (8, 4, 4, 2, 2, 1, 1))
    run = StepInProgress(SIGMAS, calls)
    assert [run.of_call(level) for level in (8, 4.0004, 4)] == [0, 0, 1]
    assert run.is_exact
    assert run.of_call(1.5) == 2  # the rehearsal had 2
    assert not run.is_exact
    assert [run.of_call(level) for level in (2, 1, 0.5, 0)] == [2, 3, 3, 3]


def test_more_calls_than_rehearsed_follow_the_noise_level() -> None:
    run = StepInProgress(SIGMAS, CallSteps((0,), (8,)))
    assert [run.of_call(level) for level in (8, 4, 3, 2)] == [0, 1, 1, 2]
    assert not run.is_exact


def test_step_is_kept_until_it_is_reported() -> None:
    run = StepInProgress(SIGMAS, None, keeps_step=True)
    seen = [run.of_call(level) for level in (8, 3, 1)]
    run.report()
    seen += [run.of_call(level) for level in (2, 1)]
    assert seen == [0, 0, 0, 2, 2]


def test_step_that_begins_at_its_level_needs_no_second_rehearsal() -> None:
    assert CallSteps((0, 0, 1, 2, 3), (8, 6, 4, 2, 1)).begin_at(SIGMAS)
    assert not CallSteps((0, 1, 2, 3), (8, 6, 5, 3)).begin_at(SIGMAS)
    assert not CallSteps((0, 1, 2), (8, 4, 2)).begin_at(SIGMAS)
