from __future__ import annotations

from typing import Any

from tipo_core.pictures.sampling import sampling_report

RUN: dict[str, Any] = {
    "sampler_name": "euler",
    "scheduler": "karras",
    "cfg": 7.5,
    "denoise": 0.5,
    "steps_asked": 4,
    "steps_run": 3,
    "sigmas": [14.6146, 8.0, 1.0, 0.0292, 0.0],
    "negative_is_skipped": False,
}


def test_report_shows_first_and_last_sigmas_and_the_steps_really_run() -> None:
    assert sampling_report(**RUN).splitlines() == [
        "sampler euler, scheduler karras",
        "sigmas 14.6146 .. 0.0292 .. 0.0000",
        "steps run 3 of 4 asked, denoise 0.5",
        "cfg 7.5",
    ]


def test_one_step_shows_each_sigma_once() -> None:
    report = sampling_report(**RUN | {"sigmas": [14.6146, 0.0]})
    assert "sigmas 14.6146 .. 0.0000\n" in report


def test_report_says_that_the_negative_is_skipped() -> None:
    report = sampling_report(**RUN | {"cfg": 1.0, "negative_is_skipped": True})
    assert report.endswith("cfg 1: the negative is not computed")


def test_nothing_run_is_said_so() -> None:
    report = sampling_report(**RUN | {"sigmas": [], "steps_run": 0, "denoise": 0.0})
    assert "0 steps run, the latent is returned as it came" in report
