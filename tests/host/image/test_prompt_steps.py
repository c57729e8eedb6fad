"""Prompt schedules in the steps of TipoSampler, by the texts that the model sees call by call."""

from __future__ import annotations

from typing import Any

import pytest

from devkit.setup.host import Host
from tests.host.inside import run_inside
from tests.host.report_lines import line_with

EVEN = ("simple", "sgm_uniform", "normal")


@pytest.fixture(scope="module")
def results(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The results of hosted_prompt_steps.py."""
    return run_inside(host, "image/hosted_prompt_steps.py", tmp_path_factory.mktemp("steps"))


def test_every_sampler_scheduler_and_denoise_has_the_text_of_each_step(results: Any) -> None:
    matrix = results["matrix"]
    assert not matrix["wrong"], matrix["first"]
    # All of the menu but dpm_adaptive; with 9 schedulers, denoise 1, 0.6 and 0.3 in two modes.
    assert matrix["samplers"] >= 41
    assert matrix["runs"] >= matrix["samplers"] * 9 * 5


def test_examples_of_twenty_steps(results: Any) -> None:
    examples = results["examples"]
    assert len(examples["alternation"]) >= 9
    assert set(examples["alternation"].values()) == {"ab" * 10}
    assert all(runs == [["cat", 8], ["dog", 12]] for runs in examples["at step 8"].values())
    assert all(runs == [["cat", 5], ["dog", 5]] for runs in examples["fraction"].values())
    # int(0.6 * 20) + 1 steps run, counted from the first of them.
    assert examples["scaled"] == [["cat", 8], ["dog", 5]]
    assert examples["heun"] == [["cat", 4], ["dog", 3]]
    assert examples["negative"] == [["a", "n"], ["a", "m"]] * 2
    assert examples["flow"] == "aabbaabbaabba"
    assert examples["periods"] == "aaaabbbb" * 2 + "aaaa"
    assert examples["periods of steps"] == "aaabbbcccaa"


def test_steps_of_the_sampler_count_and_not_those_of_the_encoder(results: Any) -> None:
    assert results["examples"]["other steps"] == [["cat", 4], ["dog", 5]]
    assert results["examples"]["later than encoded"] == ["cat"]
    replaced = results["replaced"]
    assert replaced["seen"] == [["a c"], ["a c"], ["b d"], ["b d"]]
    assert line_with(
        replaced["report"], "positive, step 3", "schedule_steps of the encode node to 4 (now 20)"
    )


def test_fractions_of_the_timesteps_are_those_of_core(results: Any) -> None:
    for ours, core in results["examples"]["timesteps"].values():
        assert ours == core
    assert len({ours for ours, _ in results["examples"]["timesteps"].values()}) > 3


def test_conditioning_keeps_its_steps_in_cores_nodes(results: Any) -> None:
    altered = results["altered"]
    assert altered["combined"] == [[f, s] for f, s in zip("ababab", "xyzxyz", strict=True)]
    assert [sorted(texts) for texts in altered["with a plain one"]] == [
        sorted(["always", text]) for text in "ababab"
    ]
    assert altered["area"] == [[text] for text in "ababab"]
    # Core adds the area to the negative, too, which has no schedule.
    assert altered["area: lines"] == ["positive"]
    assert altered["combined: lines"] == ["positive", "positive"]
    # The range of another node stays: without a text core predicts nothing.
    assert altered["first half"] == [["a"], ["b"], ["a"]]


def test_rehearsal_changes_no_latent_and_no_generator(results: Any) -> None:
    assert results["same latents"] == []


def test_patch_that_predicts_once_more_sees_the_same_text(results: Any) -> None:
    assert results["patched"] == {"twice": "aabbaabb"}


def test_samplers_of_other_packs(results: Any) -> None:
    foreign = results["foreign"]
    assert foreign["reports_last"]["seen"] == ["cat"] * 6 + ["dog"] * 5
    assert not any("approximate" in line for line in foreign["reports_last"]["report"])
    for name in ("needs_width", "by_the_latent", "dpm_adaptive"):
        assert line_with(foreign[name]["report"], "approximate"), name
    # The noise level gives the step: a call of heun at the next level has the next text.
    assert foreign["needs_width"]["seen"] == ["cat"] * 5 + ["dog"] * 6
    adaptive = foreign["dpm_adaptive"]["seen"]
    # Three calls make a step of dpm_adaptive.
    assert adaptive == sorted(adaptive) and adaptive.count("cat") % 3 == 0
    assert 0 < adaptive.count("cat") < len(adaptive)


def test_reports_show_steps_and_what_other_samplers_do(results: Any) -> None:
    said, ran = results["reports"]["when"]
    assert line_with(said, "steps 1 to 8", '"a cat"')
    assert line_with(said, "steps 9 to 20", '"a dog"')
    assert line_with(said, "other samplers", "exact", "linear_quadratic up to 12 steps")
    assert line_with(ran, "positive", '"a cat" in steps 1 to 8; "a dog" in steps 9 to 20')
    said, ran = results["reports"]["turns"]
    deviations = line_with(said, "other samplers")
    assert all(name in deviations.partition(" exact;")[0] for name in EVEN)
    assert "karras up to 4 steps off" in deviations
    assert line_with(ran, '"a" in steps 1, 3, 5, 7, ... (10 ranges)')
    said, ran = results["reports"]["timesteps"]
    assert line_with(said, "0 to 0.5", '"a"') and line_with(ran, '"a" in steps 1 to 9')
    said, _ = results["reports"]["unread"]
    assert line_with(said, "[a:b:TAG]", "read as words")
    assert line_with(said, '"c" is never used') and line_with(said, "follows step 30")
    said, ran = results["reports"]["plain"]
    assert not any("other samplers" in line for line in said)
    assert not any("positive" in line for line in ran)
