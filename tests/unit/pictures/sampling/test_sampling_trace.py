from __future__ import annotations

import re
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


def line_of(subject: str, **changes: Any) -> str:
    """The one line of a report that begins with its subject, without it."""
    lines = sampling_report(**RUN | changes).splitlines()
    (line,) = [line for line in lines if line.startswith(f"{subject} ")]
    return line.removeprefix(f"{subject} ")


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]


def test_report_has_a_line_for_each_subject() -> None:
    subjects = [line.split()[0] for line in sampling_report(**RUN).splitlines()]
    assert subjects == ["sampler", "sigmas", "steps", "cfg", "model", "seconds"]
    assert "euler" in line_of("sampler") and "karras" in line_of("sampler")


def test_report_shows_first_and_last_sigmas_and_the_steps_really_run() -> None:
    assert numbers(line_of("sigmas")) == [8.0, 0.0292, 0.0]
    assert numbers(line_of("steps")) == [3, 4, 0.5] and "scale steps" in line_of("steps")
    assert numbers(line_of("model calls")) == [3, 3, 0, 1.0]
    assert numbers(line_of("seconds per step")) == [0.25]


def test_one_step_shows_each_sigma_once() -> None:
    trace = SamplingTrace(sigmas=[14.6146, 0.0], steps=1)
    assert numbers(line_of("sigmas", trace=trace)) == [14.6146, 0.0]


def test_three_sigmas_are_all_shown() -> None:
    trace = SamplingTrace(sigmas=[14.0, 7.0, 0.0], steps=2)
    assert numbers(line_of("sigmas", trace=trace)) == [14.0, 7.0, 0.0]


def test_denoise_1_ignores_the_mode() -> None:
    assert "scale steps" not in line_of("steps", denoise=1.0)


def test_report_says_that_the_negative_is_skipped() -> None:
    trace = SamplingTrace(without=3, sigmas=SIGMAS, steps=3)
    assert "negative is not computed" in line_of("cfg", guidance=Guidance(1.0), trace=trace)
    assert "negative" not in line_of("cfg")


def test_report_has_interval_ramp_and_rescale() -> None:
    trace = SamplingTrace(with_negative=8, without=12, sigmas=SIGMAS, steps=20)
    guidance = Guidance(7.5, start=0.2, end=0.6, end_value=3.0)
    run = {"guidance": guidance, "cfg_rescale": 0.7, "trace": trace}
    assert numbers(line_of("cfg", **run)) == [7.5, 3, 0.2, 0.6, 0.7]
    assert numbers(line_of("model calls", **run)) == [20, 8, 12, 0.7]


@pytest.mark.parametrize(
    ("guidance", "shown"),
    [
        (Guidance(7.5, start=0.25), [7.5, 0.25, 1]),
        (Guidance(7.5, end=0.75), [7.5, 0, 0.75]),
        (Guidance(7.5, end_value=0.0), [7.5, 0]),
        (Guidance(7.5, end_value=7.5), [7.5]),
    ],
)
def test_report_leaves_out_an_interval_or_ramp_that_is_none(
    guidance: Guidance, shown: list[float]
) -> None:
    assert numbers(line_of("cfg", guidance=guidance)) == shown


def test_report_says_that_no_step_was_run() -> None:
    report = sampling_report(**RUN | {"denoise": 0.0, "trace": SamplingTrace()})
    assert "0 steps run" in report and "unchanged" in report
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
