"""The sampler's own inputs in the real host, each compared with equivalent core nodes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from devkit.server.server import Server
from devkit.server.websocket_client import Client, GraphRejected, RunFailed, RunInterrupted
from tests.host.picture_graphs import SECONDS, Builder, saved_latent
from tests.host.report_lines import line_with

STEPS = 5
# Steps 1 and 2 of five, as cfg_start 0.2 and cfg_end 0.6 mean it.
INTERVAL = {"cfg_start": 0.2, "cfg_end": 0.6}
# Every step of five is before 0.99: the same latents, by our guider.
ALL_STEPS = {"cfg_end": 0.99}


def calls(outcome: Any, node: str) -> tuple[int, int]:
    """The model calls with and without the negative, as the report tells them."""
    report = outcome.outputs[node]["text"][0]
    found = re.search(r"model calls \d+: (\d+) with the negative, (\d+) without", report)
    assert found, report
    return int(found[1]), int(found[2])


def in_stages(build: Builder, positive: str, cfgs: list[float], **changes: Any) -> str:
    """Core's own way to a cfg for each step: a KSamplerAdvanced for each."""
    latent, node = build.empty, ""
    for step, cfg in enumerate(cfgs):
        last = step == len(cfgs) - 1
        inputs = {
            "model": build.model,
            "add_noise": "disable" if step else "enable",
            "noise_seed": 3,
            "steps": len(cfgs),
            "cfg": cfg,
            "sampler_name": "euler",
            "scheduler": "normal",
            "positive": [positive, 0],
            "negative": build.negative,
            "latent_image": latent,
            "start_at_step": step,
            "end_at_step": step + 1,
            "return_with_leftover_noise": "disable" if last else "enable",
        }
        node = build.add("KSamplerAdvanced", **(inputs | changes))
        latent = [node, 0]
    return node


def assert_same_latents(
    server: Server, client: Client, build: Builder, pairs: list[tuple[str, str]], atol: float
) -> Any:
    saved = [[build.save_latent(node) for node in pair] for pair in pairs]
    outcome = client.run(build.graph, timeout=SECONDS)
    for number, pair in enumerate(saved):
        ours, core = (saved_latent(server, outcome, node) for node in pair)
        np.testing.assert_allclose(ours, core, rtol=0, atol=atol, err_msg=str(number))
        assert np.isfinite(ours).all() and ours.std() > 0.01
    return outcome


def test_own_guider_draws_the_latents_of_core_bit_for_bit(server: Server, client: Client) -> None:
    build = Builder()
    positive = build.core_encode()
    three = [build.sample("KSampler", positive, latent_image=build.latent(3)), 0]
    part = [build.add("LatentFromBatch", samples=three, batch_index=1, length=2), 0]
    half = [build.add("SolidMask", value=0.5, width=64, height=64), 0]
    masked = [build.add("SetLatentNoiseMask", samples=part, mask=half), 0]
    cases: list[dict[str, Any]] = [
        {},
        {"sampler_name": "dpm_2", "scheduler": "karras", "steps": 3},
        {"sampler_name": "euler_cfg_pp"},
        {"sampler_name": "euler_ancestral", "denoise": 0.5, "latent_image": part},
        {"denoise": 0.6, "latent_image": masked},
    ]
    pairs = [
        (
            build.sample("TipoSampler", positive, **case, **ALL_STEPS),
            build.sample("KSampler", positive, **case),
        )
        for case in cases
    ]
    assert_same_latents(server, client, build, pairs, atol=0)


def test_interval_and_ramp_are_a_cfg_for_each_step(server: Server, client: Client) -> None:
    build = Builder()
    positive = build.core_encode()
    cases: list[tuple[dict[str, Any], list[float]]] = [
        (INTERVAL, [1, 6.5, 6.5, 1, 1]),
        ({"cfg_end_value": 2.5}, [6.5, 5.5, 4.5, 3.5, 2.5]),
        (INTERVAL | {"cfg_end_value": 2.5}, [1, 5.5, 4.5, 1, 1]),
    ]
    ours = [build.sample("TipoSampler", positive, steps=STEPS, **case) for case, _ in cases]
    core = [in_stages(build, positive, cfgs) for _, cfgs in cases]
    full = build.save_latent(build.sample("KSampler", positive, steps=STEPS))
    first = build.save_latent(ours[0])
    pairs = list(zip(ours, core, strict=True))
    outcome = assert_same_latents(server, client, build, pairs, atol=1e-4)

    difference = saved_latent(server, outcome, full) - saved_latent(server, outcome, first)
    assert np.abs(difference).max() > 0.01, "the interval changed nothing"
    assert [calls(outcome, node) for node in ours] == [(2, 3), (5, 0), (2, 3)]


def test_model_calls_are_counted(client: Client) -> None:
    build = Builder()
    positive = build.core_encode()
    cases: dict[str, tuple[dict[str, Any], tuple[int, int]]] = {
        "full": ({}, (5, 0)),
        "cfg 1": ({"cfg": 1.0}, (0, 5)),
        "interval": (INTERVAL, (2, 3)),
        "empty interval": ({"cfg_start": 0.5, "cfg_end": 0.5}, (0, 5)),
        # Asks twice a step but for the last, at both ends of it.
        "heun": ({"sampler_name": "heun"} | INTERVAL, (4, 5)),
        # Its steps are taken with the negative's prediction: it needs it at any cfg.
        "cfg_pp": ({"sampler_name": "euler_cfg_pp", "cfg": 1.0}, (5, 0)),
        # It works out noise levels of its own: they are the schedule's but for rounding.
        "uni_pc": ({"sampler_name": "uni_pc"} | INTERVAL, (2, 3)),
    }
    nodes = {}
    # A seed of its own: a cached result of another test would have no report.
    common = {"steps": STEPS, "seed": 21}
    for name, (changes, _) in cases.items():
        nodes[name] = build.sample("TipoSampler", positive, **(common | changes))
        build.save_latent(nodes[name])
    outcome = client.run(build.graph, timeout=SECONDS)
    assert {name: calls(outcome, node) for name, node in nodes.items()} == {
        name: expected for name, (_, expected) in cases.items()
    }
    (interval,) = outcome.outputs[nodes["interval"]]["text"]
    assert line_with(interval, "cfg 6.5", "0.2 to 0.6")
    assert line_with(interval, "model calls", "0.70 of the work")
    assert float(line_with(interval, "seconds per step").split()[-1]) > 0


def test_other_patches_on_the_model_go_on_working(server: Server, client: Client) -> None:
    build = Builder()
    positive = build.core_encode()
    norm = [build.add("CFGNorm", model=build.model, strength=0.8), 0]
    slot = [build.add("RescaleCFG", model=build.model, multiplier=0.5), 0]
    pairs = []
    for model in (norm, slot):
        ours = build.sample("TipoSampler", positive, steps=STEPS, model=model, **INTERVAL)
        pairs.append((ours, in_stages(build, positive, [1, 6.5, 6.5, 1, 1], model=model)))
    # Over every step, our patch after theirs changes nothing.
    same = build.sample("TipoSampler", positive, model=norm, **ALL_STEPS)
    pairs.append((same, build.sample("KSampler", positive, model=norm)))
    outcome = assert_same_latents(server, client, build, pairs, atol=1e-4)
    assert calls(outcome, pairs[0][0]) == (2, 3)


def test_rescale_is_that_of_core_and_takes_no_slot(server: Server, client: Client) -> None:
    build = Builder()
    positive = build.core_encode()
    core = [build.add("RescaleCFG", model=build.model, multiplier=0.7), 0]
    pairs = [
        (
            build.sample("TipoSampler", positive, cfg_rescale=0.7, **changes),
            build.sample("KSampler", positive, model=core),
        )
        for changes in ({}, ALL_STEPS)
    ]
    # At cfg 1 nothing is there to be taken back.
    plain = build.sample("TipoSampler", positive, cfg_rescale=0.7, cfg=1.0)
    pairs.append((plain, build.sample("KSampler", positive, cfg=1.0)))
    # The patch was on a clone: after the other runs the model draws as before.
    after = [build.add("LatentBlend", samples1=[plain, 0], samples2=build.empty, blend_factor=1), 0]
    later = build.sample("TipoSampler", positive, latent_image=after)
    pairs.append((later, build.sample("KSampler", positive, latent_image=after)))
    outcome = assert_same_latents(server, client, build, pairs, atol=1e-4)
    assert calls(outcome, pairs[2][0]) == (0, 2)


def test_scale_steps_runs_the_tail_of_the_schedule(server: Server, client: Client) -> None:
    build = Builder()
    positive = build.core_encode()
    start = [build.sample("KSampler", positive, seed=8), 0]
    sigmas = build.add(
        "BasicScheduler", model=build.model, scheduler="karras", steps=8, denoise=1.0
    )
    # int(0.5 * 8) = 4, from step 8 - 4 - 1 on: five steps.
    tail = [build.add("SplitSigmas", sigmas=[sigmas, 0], step=3), 1]
    core = build.add(
        "SamplerCustom",
        model=build.model,
        add_noise=True,
        noise_seed=3,
        cfg=6.5,
        positive=[positive, 0],
        negative=build.negative,
        sampler=[build.add("KSamplerSelect", sampler_name="euler"), 0],
        sigmas=tail,
        latent_image=start,
    )
    asked = {"steps": 8, "scheduler": "karras", "latent_image": start}
    scaled = {"denoise_mode": "scale steps"}
    ours = build.sample("TipoSampler", positive, denoise=0.5, **asked, **scaled)
    whole = build.sample("TipoSampler", positive, denoise=1.0, **asked, **scaled)
    pairs = [(ours, core), (whole, build.sample("KSampler", positive, **asked))]
    outcome = assert_same_latents(server, client, build, pairs, atol=0)
    (report,) = outcome.outputs[ours]["text"]
    assert line_with(report, "steps", "5 of 8", "denoise 0.5", "scale steps")
    assert calls(outcome, ours) == (5, 0)


@pytest.mark.parametrize("sampler_name", ["euler", "dpmpp_2m"])
def test_what_a_mask_protects_stays(server: Server, client: Client, sampler_name: str) -> None:
    build = Builder()
    positive = build.core_encode()
    start = build.sample("KSampler", positive, seed=8)
    nothing, all_of_it = (
        [build.add("SolidMask", value=value, width=width, height=64), 0]
        for value, width in ((0.0, 64), (1.0, 32))
    )
    left = build.add(
        "MaskComposite",
        destination=nothing,
        source=all_of_it,
        x=0,
        y=0,
        operation="add",
    )
    masked = [build.add("SetLatentNoiseMask", samples=[start, 0], mask=[left, 0]), 0]
    ours = build.sample(
        "TipoSampler",
        positive,
        steps=STEPS,
        denoise=0.7,
        latent_image=masked,
        sampler_name=sampler_name,
        cfg_rescale=0.5,
        **INTERVAL,
    )
    saved = [build.save_latent(node) for node in (start, ours)]
    outcome = client.run(build.graph, timeout=SECONDS)
    before, after = (saved_latent(server, outcome, node) for node in saved)
    np.testing.assert_allclose(after[..., 4:], before[..., 4:], rtol=0, atol=1e-4)
    assert np.abs(after[..., :4] - before[..., :4]).max() > 0.01


def test_progress_and_cancel_within_an_interval(client: Client) -> None:
    build = Builder()
    node = build.sample("TipoSampler", build.core_encode(), steps=500, seed=77, **INTERVAL)
    build.save_latent(node)
    seen: list[tuple[int, int]] = []

    def cancel_once_it_is_going(kind: str, data: dict[str, Any]) -> None:
        if kind == "progress" and data["node"] == node:
            seen.append((data["value"], data["max"]))
            if len(seen) == 2:
                client.interrupt()

    with pytest.raises(RunInterrupted) as caught:
        client.run(build.graph, on_message=cancel_once_it_is_going, timeout=SECONDS)
    assert caught.value.node_id == node
    assert seen[0][1] == 500 and seen[-1][0] < 500


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cfg_start": 0.8, "cfg_end": 0.4}, "cfg_start 0.8 is greater than cfg_end 0.4"),
        ({"cfg_end_value": -0.5}, "cfg_end_value -0.5.*0 or more, or -1"),
    ],
)
def test_what_means_nothing_is_named(client: Client, changes: dict[str, Any], named: str) -> None:
    build = Builder()
    build.save_latent(build.sample("TipoSampler", build.core_encode(), **changes))
    with pytest.raises(RunFailed, match=named):
        client.run(build.graph, timeout=SECONDS)


def test_values_of_an_older_workflow_keep_their_places(client: Client) -> None:
    """The new inputs are optional and last: a graph without them is queued, a page fills them."""
    declared = client.object_info()["TipoSampler"]["input"]
    defaults = {name: spec[1]["default"] for name, spec in declared["optional"].items()}
    assert list(declared["required"])[-1] == "denoise"
    assert list(defaults.items()) == [
        ("denoise_mode", "run all steps"),
        ("cfg_start", 0.0),
        ("cfg_end", 1.0),
        ("cfg_rescale", 0.0),
        ("cfg_end_value", -1.0),
    ]


@pytest.mark.parametrize("name", ["sampler_name", "scheduler"])
def test_an_unknown_name_is_an_error_and_not_another_one(client: Client, name: str) -> None:
    """Core's KSampler takes its first sampler or scheduler for a name that it does not know."""
    build = Builder()
    sampled = build.sample("TipoSampler", build.core_encode(), **{name: "no_such_name"})
    build.save_latent(sampled)
    named = f"{name}.*no_such_name"
    with pytest.raises((RunFailed, GraphRejected), match=rf"(?s)TipoSampler.*{named}"):
        client.run(build.graph, timeout=SECONDS)
