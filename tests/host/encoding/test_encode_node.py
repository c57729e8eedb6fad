"""The encode node's schedules and options in the real host, compared with core nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from devkit.server.server import Server
from devkit.server.websocket_client import Client, RunFailed
from tests.host.picture_graphs import SECONDS, Builder, saved_latent
from tests.host.report_lines import line_with

SIZE = {"width": 832, "height": 1216, "crop_w": 0, "crop_h": 0}


def encode(build: Builder, text: Any, **inputs: Any) -> str:
    inputs = {"clip": build.clip, "text": text, "clip_skip": 0, **inputs}
    return build.add("TipoClipSkipEncode", **inputs)


def core_encode(build: Builder, text: str) -> list[Any]:
    return [build.add("CLIPTextEncode", clip=build.clip, text=text), 0]


def step_by_step(build: Builder, texts: list[str], **changes: Any) -> str:
    """A sampler for each step, with the text of that step alone."""
    encoded = {text: core_encode(build, text) for text in texts}
    latent, node = build.empty, ""
    for step, text in enumerate(texts):
        inputs = {
            "model": build.model,
            "add_noise": "disable" if step else "enable",
            "noise_seed": 3,
            "steps": len(texts),
            "cfg": 6.5,
            "sampler_name": "euler",
            "scheduler": "normal",
            "positive": encoded[text],
            "negative": build.negative,
            "latent_image": latent,
            "start_at_step": step,
            "end_at_step": step + 1,
            "return_with_leftover_noise": "disable" if step == len(texts) - 1 else "enable",
        }
        node = build.add("KSamplerAdvanced", **(inputs | changes))
        latent = [node, 0]
    return node


@pytest.mark.parametrize("scheduler", ["normal", "simple", "sgm_uniform"])
def test_each_step_is_drawn_with_its_own_text(
    server: Server, client: Client, scheduler: str
) -> None:
    build = Builder()
    cases = {
        "a [red|blue|green] cat": ["a red cat", "a blue cat", "a green cat"] * 2,
        "a [red:blue:0.5] cat": ["a red cat"] * 3 + ["a blue cat"] * 3,
        "a [red:blue:4] [cat::2]": ["a red cat"] * 2 + ["a red "] * 2 + ["a blue "] * 2,
    }
    changes = {"steps": 6, "scheduler": scheduler}
    drawn = []
    for text, texts in cases.items():
        positive = encode(build, text, schedule_steps=6)
        pair = (
            build.sample("TipoSampler", positive, **changes),
            step_by_step(build, texts, **changes),
        )
        drawn.append([build.save_latent(node) for node in pair])
    outcome = client.run(build.graph, timeout=SECONDS)
    results = []
    for text, nodes in zip(cases, drawn, strict=True):
        ours, core = (saved_latent(server, outcome, node) for node in nodes)
        # Rounding grows with the latents: unusual texts drive the model to 9 and more.
        room = 5e-5 * float(np.abs(core).max())
        np.testing.assert_allclose(ours, core, rtol=0, atol=room, err_msg=text)
        results.append(ours)
    assert np.abs(results[0] - results[1]).max() > 0.01, "the texts changed nothing"


def test_and_is_cores_combine_and_break_its_concat(server: Server, client: Client) -> None:
    build = Builder()
    texts = ["a red cat", "a blue dog"]
    cat, dog = (core_encode(build, text) for text in texts)
    both = build.add("ConditioningCombine", conditioning_1=cat, conditioning_2=dog)
    one = build.add("ConditioningConcat", conditioning_to=cat, conditioning_from=dog)
    pairs = [
        (encode(build, " AND ".join(texts)), both),
        (encode(build, " BREAK ".join(texts)), one),
        (encode(build, " AND ".join(texts), prompt_syntax=False), None),
    ]
    pairs[2] = (pairs[2][0], core_encode(build, " AND ".join(texts))[0])
    saved = [[build.encoded(str(node)) for node in pair] for pair in pairs]
    outcome = client.run(build.graph, timeout=SECONDS)
    results = [[saved_latent(server, outcome, node) for node in pair] for pair in saved]
    for ours, core in results:
        np.testing.assert_array_equal(ours, core)
    assert not np.array_equal(results[0][0], results[1][0])


def test_comments_are_left_out_and_other_forms_are_named(server: Server, client: Client) -> None:
    build = Builder()
    typed = "a red cat # my note\n// a line\non /* old: the */ a #compass, http://x.y"
    pairs = [
        (encode(build, typed), "a red cat\non  a #compass, http://x.y"),
        (encode(build, typed, prompt_syntax=False), typed),
        (encode(build, "a AND b :1."), None),
    ]
    weighted_sum = build.add("ConditioningCombine",
                             conditioning_1=core_encode(build, "a"),
                             conditioning_2=core_encode(build, "b"))  # fmt: skip
    nodes = [
        (ours, core_encode(build, text)[0] if text is not None else weighted_sum)
        for ours, text in pairs
    ]
    forms = "{red|blue} cat, 1.2::hat::, @wlop, __colour__, a dog --ar 16:9"
    shows = encode(build, [build.add("PrimitiveString", value=forms), 0])
    saved = [[build.encoded(str(node)) for node in pair] for pair in nodes]
    build.encoded(shows)
    outcome = client.run(build.graph, timeout=SECONDS)
    for pair in saved:
        ours, core = (saved_latent(server, outcome, node) for node in pair)
        np.testing.assert_array_equal(ours, core)
    (report,) = outcome.outputs[nodes[0][0]]["text"]
    assert line_with(report, "comments", '"# my note"', '"// a line"', '"/* old: the */"')
    (report,) = outcome.outputs[nodes[1][0]]["text"]
    assert "comments" not in report
    (report,) = outcome.outputs[shows]["text"]
    assert line_with(report, '"{red|blue}"', "resolve_choices")
    assert line_with(report, '"__colour__"', "read as words")
    assert line_with(report, '"1.2::", "::"', "NovelAI", "(word:1.2)")
    assert line_with(report, '"--ar 16:9"', "read as words")
    assert line_with(report, '"@wlop"', "CLIP")


def test_a_lone_surrogate_is_refused_by_name(client: Client) -> None:
    build = Builder()
    build.encoded(encode(build, "a cat \ud83d"))
    with pytest.raises(RunFailed, match=r"text has a lone surrogate, U\+D83D, at character 7"):
        client.run(build.graph, timeout=SECONDS)


@pytest.mark.parametrize(
    ("class_type", "inputs", "name"),
    [
        ("TipoLoraPrompt", {"missing": "error"}, "text"),
        ("TipoSaveImage", {"filename_prefix": "x", "format": "png", "quality": 90}, "text"),
    ],
)
def test_other_nodes_refuse_a_lone_surrogate_as_well(
    client: Client, class_type: str, inputs: dict[str, Any], name: str
) -> None:
    build = Builder()
    lone = [build.add("PrimitiveString", value="a \ud83d"), 0]
    if class_type == "TipoSaveImage":
        empty = build.add("EmptyImage", width=8, height=8, batch_size=1, color=0)
        build.add(class_type, images=[empty, 0], **{**inputs, name: lone})
    else:
        node = build.add(class_type, model=build.model, clip=build.clip, **{**inputs, name: lone})
        build.add("PreviewAny", source=[node, 2])
    with pytest.raises(RunFailed, match=rf"{name} has a lone surrogate, U\+D83D"):
        client.run(build.graph, timeout=SECONDS)


def test_weights_and_what_does_not_apply_are_reported(client: Client) -> None:
    build = Builder()
    size = [build.add("TipoSdxlSize", **SIZE, target_width=832, target_height=1216), 0]
    options = {"weight_interpretation": "A1111", "token_normalization": "length+mean"}
    text_g = [build.add("PrimitiveString", value="A girl."), 0]
    node = encode(build, "a (cat:1.3)", **options, size=size, text_g=text_g, clip_skip=2)
    build.encoded(node)
    outcome = client.run(build.graph, timeout=SECONDS)
    (report,) = outcome.outputs[node]["text"]
    assert line_with(report, "clip_skip 2") and line_with(report, "clip_l", "layer 11 of 12")
    assert line_with(report, "weight_interpretation A1111", "token_normalization length+mean")
    assert line_with(report, "text_g does not apply", "CLIP-G")
    assert line_with(report, "size does not apply", "SDXL")
    assert line_with(report, "l: 1 chunk", "2")


def test_prompt_that_cannot_be_drawn_is_an_error(client: Client) -> None:
    build = Builder()
    build.encoded(encode(build, "a cat AND a dog :0"))
    with pytest.raises(RunFailed, match="a weight must be above 0"):
        client.run(build.graph, timeout=SECONDS)


def test_a1111_prompt_is_read_as_there_and_never_gives_nan(server: Server, client: Client) -> None:
    build = Builder()
    text = "a (((red)) [cat] (hill:0.5), <lora:x:1>"
    options = {"weight_interpretation": "A1111"}
    nodes = [encode(build, text, **options, **more) for more in ({}, {"syntax": "A1111"})]
    nodes.append(encode(build, text, **options, syntax="ComfyUI"))
    saved = [build.encoded(node) for node in nodes]
    drawn = build.save_latent(build.sample("TipoSampler", nodes[0], steps=2))
    outcome = client.run(build.graph, timeout=SECONDS)
    auto, a1111, comfy = (saved_latent(server, outcome, node) for node in saved)
    np.testing.assert_array_equal(auto, a1111)
    assert np.isfinite(auto).all() and not np.array_equal(auto, comfy)
    assert np.isfinite(saved_latent(server, outcome, drawn)).all()
    reports = ["\n".join(outcome.outputs[node]["text"]) for node in nodes]
    assert line_with(reports[0], "syntax A1111") and line_with(reports[0], "<lora:x:1>", "left out")
    assert line_with(reports[0], "not done for chunk 1", "mean")  # toy-sd's last norm centres
    assert line_with(reports[2], "read as words", "(((red))")
