from __future__ import annotations

from typing import Any

import pytest

from tipo_core.pictures.sampling.guidance import Guidance
from tipo_core.pictures.sampling.sampling_trace import SamplingTrace, sampling_report

SIGMAS = [8.0, 1.0, 0.0292, 0.0]
RUN: dict[str, Any] = {
    "sampler_name": "euler",
    "scheduler": "karras",
    "guidance": Guidance(7.5),
    "cfg_rescale": 0.0,
    "denoise": 0.5,
    "denoise_mode": "scale steps",
    "steps_asked": 4,
    "trace": SamplingTrace(with_negative=3, sigmas=SIGMAS, steps=3),
    "seconds": 0.75,
}


def test_report_shows_first_and_last_sigmas_and_the_steps_really_run() -> None:
    assert sampling_report(**RUN).splitlines() == [
        "sampler euler, scheduler karras",
        "sigmas 8.0000 .. 0.0292 .. 0.0000",
        "steps run 3 of 4 asked, denoise 0.5 (scale steps)",
        "cfg 7.5",
        "model calls 3: 3 with the negative, 0 without; 1.00 of the work of full CFG",
        "seconds per step 0.250",
    ]


def test_one_step_shows_each_sigma_once() -> None:
    report = sampling_report(**RUN | {"trace": SamplingTrace(sigmas=[14.6146, 0.0], steps=1)})
    assert "sigmas 14.6146 .. 0.0000\n" in report


def test_denoise_1_ignores_the_mode() -> None:
    assert "denoise 1\n" in sampling_report(**RUN | {"denoise": 1.0})


def test_report_says_that_the_negative_is_skipped() -> None:
    run = RUN | {
        "guidance": Guidance(1.0),
        "trace": SamplingTrace(without=3, sigmas=SIGMAS, steps=3),
    }
    assert "\ncfg 1: the negative is not computed\n" in sampling_report(**run)


def test_report_tells_what_was_done_to_the_guidance() -> None:
    trace = SamplingTrace(with_negative=8, without=12, sigmas=SIGMAS, steps=20)
    guidance = Guidance(7.5, start=0.2, end=0.6, end_value=3.0)
    report = sampling_report(**RUN | {"guidance": guidance, "cfg_rescale": 0.7, "trace": trace})
    assert "\ncfg 7.5 to 3, from 0.2 to 0.6 of the schedule, rescale 0.7\n" in report
    assert "calls 20: 8 with the negative, 12 without; 0.70 of the work of full CFG\n" in report


def test_nothing_run_is_said_so() -> None:
    run = RUN | {"denoise": 0.0, "trace": SamplingTrace()}
    assert "0 steps run, the latent is returned as it came" in sampling_report(**run)
    assert "seconds per step" not in sampling_report(
        **RUN | {"trace": SamplingTrace(sigmas=SIGMAS)}
    )


def test_calls_are_counted_and_the_clock_starts_with_the_first() -> None:
    calls = SamplingTrace()
    assert calls.seconds() == 0.0 and calls.share_of_full_cfg == 1.0
    for has_negative in (True, False, False):
        calls.count(has_negative=has_negative)
    assert (calls.with_negative, calls.without, calls.total) == (1, 2, 3)
    assert calls.share_of_full_cfg == pytest.approx(4 / 6)
    assert calls.seconds() > 0.0
