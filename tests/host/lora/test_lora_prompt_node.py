"""Load LoRAs from Prompt in the real host, compared with core's LoRA and hook nodes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devkit.server.server import Server
from devkit.server.websocket_client import Client, GraphRejected, RunFailed
from tests.host.lora.lora_weights import KEYS_IN_CLIP, KEYS_IN_MODEL, lora, save_lora
from tests.host.node_errors import node_errors
from tests.host.picture_graphs import SECONDS, Builder, assert_equal, saved_latent
from tests.host.report_lines import line_with

STEPS = 6
# Two pictures are as good as equal, or clearly different: share of the largest value of a latent.
EQUAL, DIFFERENT = 5e-4, 0.05
# With DynamicVRAM a layer keeps the file's fp16: a hook's weights are rounded to it, the weights of
# core's Load LoRA are not; differences of 0.0033 were measured.
EQUAL_IN_FP16 = 8e-3
Links = tuple[list[Any], list[Any]]


@pytest.fixture(scope="module")
def loras(server: Server) -> Iterator[Path]:
    """The folder of LoRAs, with files that the tests name."""
    folder = server.base / "models" / "loras"
    save_lora(folder / "one.safetensors", lora(1))
    save_lora(folder / "styles" / "two_words.safetensors", lora(2))
    save_lora(folder / "in_model.safetensors", lora(3, has_clip=False))
    save_lora(folder / "a" / "twice.safetensors", lora(4))
    save_lora(folder / "b" / "twice.safetensors", lora(5))
    named = {"ss_base_model_version": "sdxl_base_v1-0"}
    save_lora(folder / "other.safetensors", lora(6, "other_"), named)
    (folder / "old.pt").write_bytes(b"not read")
    (folder / "damaged.safetensors").write_bytes(b"<html>not found</html>")
    yield folder
    shutil.rmtree(folder)


class LoraBuilder(Builder):
    """A graph that draws with LoRAs from a prompt, from core's loaders and from core's hooks."""

    def prompt(self, text: Any, **inputs: Any) -> str:
        inputs = {"model": self.model, "clip": self.clip, "text": text, **inputs}
        return self.add("TipoLoraPrompt", **inputs)

    def loaded(self, *files: tuple[str, float, float]) -> Links:
        """The model and CLIP of core's Load LoRA nodes in a chain."""
        model, clip = self.model, self.clip
        for file, in_model, in_clip in files:
            node = self.add(
                "LoraLoader",
                model=model,
                clip=clip,
                lora_name=file,
                strength_model=in_model,
                strength_clip=in_clip,
            )
            model, clip = [node, 0], [node, 1]
        return model, clip

    def drawn(
        self, model: list[Any], clip: list[Any], text: Any, encoder: str = "", sampler: str = ""
    ) -> str:
        """A saved latent whose prompt and negative prompt are encoded with `clip`."""
        return self.save_latent(self.sampled(model, clip, text, encoder, sampler))

    def sampled(
        self, model: list[Any], clip: list[Any], text: Any, encoder: str, sampler: str
    ) -> str:
        more = {"clip_skip": 0} if encoder.startswith("Tipo") else {}
        encoder = encoder or "CLIPTextEncode"
        positive = self.add(encoder, clip=clip, text=text, **more)
        negative = [self.add(encoder, clip=clip, text="blurry", **more), 0]
        changes = {"model": model, "negative": negative, "steps": STEPS}
        return self.sample(sampler or "KSampler", positive, **changes)

    def drawn_from(self, node: str, encoder: str = "", sampler: str = "") -> str:
        """A saved latent drawn with all outputs of Load LoRAs from Prompt."""
        return self.drawn([node, 0], [node, 1], [node, 2], encoder, sampler)

    def hooked(self, *parts: tuple[str, list[tuple[float, float]]]) -> list[Any]:
        """The CLIP with core's hooks of weight 1; the keyframes are (start percent, strength)."""
        groups: list[list[Any]] = []
        for file, frames in parts:
            hook = self.add("CreateHookLora", lora_name=file, strength_model=1, strength_clip=1)
            before: dict[str, Any] = {}
            for start, strength in frames:
                inputs = {"strength_mult": strength, "start_percent": start, **before}
                before = {"prev_hook_kf": [self.add("CreateHookKeyframe", **inputs), 0]}
            keyed = self.add("SetHookKeyframes", hooks=[hook, 0], hook_kf=before["prev_hook_kf"])
            groups.append([keyed, 0])
        hooks = groups[0]
        for other in groups[1:]:
            hooks = [self.add("CombineHooks2", hooks_A=hooks, hooks_B=other), 0]
        return [
            self.add(
                "SetClipHooks",
                clip=self.clip,
                hooks=hooks,
                apply_to_conds=True,
                schedule_clip=True,
            ),
            0,
        ]

    def in_two_halves(
        self,
        first: Links,
        second: Links,
        text: str | tuple[str, str],
        scheduler: str = "normal",
        encoder: str = "CLIPTextEncode",
        **how: Any,
    ) -> str:
        """A saved latent: one model and CLIP for the first half of the steps, then another."""
        latent, node = self.empty, ""
        texts = (text, text) if isinstance(text, str) else text
        for half, (model, clip) in enumerate((first, second)):
            positive, negative = (
                [self.add(encoder, clip=clip, text=one, **how), 0]
                for one in (texts[half], "blurry")
            )
            node = self.add(
                "KSamplerAdvanced",
                model=model,
                add_noise="disable" if half else "enable",
                noise_seed=3,
                steps=STEPS,
                cfg=6.5,
                sampler_name="euler",
                scheduler=scheduler,
                positive=positive,
                negative=negative,
                latent_image=latent,
                start_at_step=half * STEPS // 2,
                # Some schedulers have one step more.
                end_at_step=10000 if half else STEPS // 2,
                return_with_leftover_noise="disable" if half else "enable",
            )
            latent = [node, 0]
        return self.save_latent(node)


def assert_drawn_alike(server: Server, found: np.ndarray, expected: np.ndarray) -> None:
    """Compare latents of a scheduled LoRA with those of core's Load LoRA in each part."""
    share = EQUAL_IN_FP16 if "--dynamic-vram" in server.command() else EQUAL
    room = share * float(np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=0, atol=room)


def differ(one: np.ndarray, other: np.ndarray) -> bool:
    return float(np.abs(one - other).max()) > DIFFERENT * float(np.abs(one).max())


def test_constant_loras_equal_cores_loaders_to_the_bit(
    server: Server, client: Client, loras: Path
) -> None:
    build = LoraBuilder()
    text = "a cat, <lora:one:0.8>, <lyco:Two Words:0.5:-0.3>, a hat"
    a1111 = "<lora:one:te=0.25:unet=1> a cat <lora:styles/two_words:0.5:0.75>"
    cases: list[tuple[str, list[tuple[str, float, float]], str]] = [
        (build.prompt(text), [("one.safetensors", 0.8, 0.8), ("two", 0.5, -0.3)], "a cat, a hat"),
        (
            build.prompt(a1111, weight_order="clip:model (A1111)"),
            [("one.safetensors", 1, 0.25), ("two", 0.75, 0.5)],
            "a cat",
        ),
        (
            build.prompt("a cat <lora:one:0.5> <lora:one.safetensors:0.5>"),
            [("one.safetensors", 1, 1)],
            "a cat",
        ),
        (build.prompt("<lora:in_model:-1>a cat"), [("in_model.safetensors", -1, -1)], "a cat"),
        (build.prompt("a cat <lora:one:0>"), [], "a cat"),
    ]
    pairs = []
    for node, files, prompt in cases:
        files = [(f.replace("two", "styles/two_words.safetensors"), m, c) for f, m, c in files]
        pairs.append((build.drawn_from(node), build.drawn(*build.loaded(*files), prompt)))
    outcome = client.run(build.graph, timeout=SECONDS)
    latents = []
    for ours, core in pairs:
        latents.append(saved_latent(server, outcome, ours))
        np.testing.assert_array_equal(latents[-1], saved_latent(server, outcome, core))
    for latent in latents[:-1]:
        assert np.abs(latent - latents[-1]).max() > 0.01
    (report,) = outcome.outputs[cases[0][0]]["text"]
    both = KEYS_IN_MODEL + KEYS_IN_CLIP
    assert line_with(report, "one.safetensors", "model 0.8, clip 0.8", f"{both} of {both} keys")
    assert line_with(report, "styles/two_words.safetensors", "model 0.5, clip -0.3")
    (report,) = outcome.outputs[cases[4][0]]["text"]
    assert line_with(report, "<lora:one:0>", "not applied")


def test_schedules_equal_cores_hooks_and_separate_halves(
    server: Server, client: Client, loras: Path
) -> None:
    """The halves are drawn by two samplers with core's Load LoRA: no hook is involved."""
    build = LoraBuilder()
    one, two = "one.safetensors", "styles/two_words.safetensors"
    until, since = [(0.0, 1.0), (0.4999, 0.0)], [(0.0, 0.0), (0.4999, 1.0)]
    with_one, with_two = (build.loaded((file, 1, 1)) for file in (one, two))
    plain = build.model, build.clip
    cases = {
        "[<lora:one:1>::0.5] a cat": ([(one, until)], with_one, plain),
        "a cat [<lora:one:1>:0.5]": ([(one, since)], plain, with_one),
        "a cat, [<lora:one:1>:<lora:two_words:1>:0.5]": (
            [(one, until), (two, since)],
            with_one,
            with_two,
        ),
    }
    constant = [build.drawn(model, clip, "a cat") for model, clip in (plain, with_one, with_two)]
    drawn = []
    for text, (parts, first, second) in cases.items():
        node = build.prompt(text)
        drawn.append(
            (
                build.drawn_from(node),
                build.drawn_from(node, "TipoClipSkipEncode", "TipoSampler"),
                build.drawn(build.model, build.hooked(*parts), "a cat"),
                build.in_two_halves(first, second, "a cat"),
                node,
            )
        )
    outcome = client.run(build.graph, timeout=SECONDS)
    others = [saved_latent(server, outcome, node) for node in constant]
    for ours, by_nodes, hooks, halves, node in drawn:
        latent, of_nodes, by_core, apart = (
            saved_latent(server, outcome, saved) for saved in (ours, by_nodes, hooks, halves)
        )
        np.testing.assert_array_equal(latent, by_core)
        np.testing.assert_array_equal(of_nodes, by_core)
        assert_drawn_alike(server, latent, apart)
        assert all(differ(latent, other) for other in others)
        (report,) = outcome.outputs[node]["text"]
        assert line_with(report, "one.safetensors", "of the schedule")


def test_constant_and_scheduled_loras_in_one_prompt(
    server: Server, client: Client, loras: Path
) -> None:
    build = LoraBuilder()
    node = build.prompt("<lora:two_words:0.5> a cat [<lora:one:1>::3]", schedule_steps=STEPS)
    model, clip = build.loaded(("styles/two_words.safetensors", 0.5, 0.5))
    both = build.loaded(("styles/two_words.safetensors", 0.5, 0.5), ("one.safetensors", 1, 1))
    pair = build.drawn_from(node), build.in_two_halves(both, (model, clip), "a cat")
    outcome = client.run(build.graph, timeout=SECONDS)
    ours, apart = (saved_latent(server, outcome, saved) for saved in pair)
    assert_drawn_alike(server, ours, apart)


def test_hooks_of_two_nodes_add_up(server: Server, client: Client, loras: Path) -> None:
    """In a chain of two nodes, and with weights and words that change as well."""
    build = LoraBuilder()
    first = build.prompt("[<lora:one:1>::0.5]")
    second = build.prompt(
        "a [red:green:0.5] (cat:1.3) [<lora:two_words:1>:0.5]",
        model=[first, 0],
        clip=[first, 1],
    )
    how: dict[str, Any] = {"clip_skip": 0, "weight_interpretation": "down_weight"}
    positive, negative = (
        build.add("TipoClipSkipEncode", clip=[second, 1], text=text, **how)
        for text in ([second, 2], "blurry")
    )
    inputs = {"model": [second, 0], "negative": [negative, 0], "steps": STEPS}
    ours = [
        build.save_latent(build.sample(sampler, positive, **inputs))
        for sampler in ("KSampler", "TipoSampler")
    ]
    halves = (
        build.loaded(("one.safetensors", 1, 1)),
        build.loaded(("styles/two_words.safetensors", 1, 1)),
    )
    apart = build.in_two_halves(
        *halves, ("a red (cat:1.3)", "a green (cat:1.3)"), encoder="TipoClipSkipEncode", **how
    )
    outcome = client.run(build.graph, timeout=SECONDS)
    expected = saved_latent(server, outcome, apart)
    for node in ours:
        assert_drawn_alike(server, saved_latent(server, outcome, node), expected)


@pytest.mark.parametrize(
    ("scheduler", "time"),
    [
        *((scheduler, "0.5") for scheduler in ("karras", "exponential", "beta", "ddim_uniform")),
        ("karras", f"{STEPS // 2}"),  # schedule_steps is 20, another number
    ],
)
def test_our_sampler_changes_loras_at_the_step_for_every_scheduler(
    server: Server, client: Client, loras: Path, scheduler: str, time: str
) -> None:
    build = LoraBuilder()
    node = build.prompt(f"[<lora:one:1>::{time}] [red:green:{time}] cat")
    positive, negative = (
        build.add("TipoClipSkipEncode", clip=[node, 1], text=text, clip_skip=0)
        for text in ([node, 2], "blurry")
    )
    changes = {"model": [node, 0], "negative": [negative, 0], "scheduler": scheduler}
    ours = build.save_latent(build.sample("TipoSampler", positive, steps=STEPS, **changes))
    first, second = build.loaded(("one.safetensors", 1, 1)), (build.model, build.clip)
    apart = build.in_two_halves(first, second, ("red cat", "green cat"), scheduler)
    wrong = build.in_two_halves(first, first, ("red cat", "green cat"), scheduler)
    outcome = client.run(build.graph, timeout=SECONDS)
    found, expected, other = (saved_latent(server, outcome, node) for node in (ours, apart, wrong))
    assert_drawn_alike(server, found, expected)
    assert differ(expected, other)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("<lora:ones:1>, <lora:lost:1>", "'ones' .did you mean 'one'.*'lost'.*missing to skip"),
        ("<lora:twice:1>", "2 files: 'a/twice.safetensors', 'b/twice.safetensors'"),
        ("<lora:old:1>", "'old.pt' is not in the safetensors format"),
        ("<lora:one:strong>", "<lora:one:strong>: 'strong' is not a weight"),
        ("<lora:../../../etc/passwd:1>", "'../../../etc/passwd'"),
        ("<lora::1>", "<lora::1> has no name"),
    ],
)
def test_a_mistake_is_named_before_anything_is_computed(
    client: Client, loras: Path, text: str, named: str
) -> None:
    build = LoraBuilder()
    node = build.prompt(text, missing="error", weight_order="model:clip")
    build.drawn_from(node)
    with pytest.raises(GraphRejected, match=f"TipoLoraPrompt.*{named}"):
        client.run(build.graph, timeout=SECONDS)
    (error,) = node_errors(client, build.graph, node)
    assert re.search(named, error["details"]), "ComfyUI repeats a problem for each named input"


def test_what_is_left_out_is_reported(server: Server, client: Client, loras: Path) -> None:
    build = LoraBuilder()
    text = "<lora:lost:1> <lora:other:1> <hypernet:x:1> <lora:one:1:lbw=IN02> a cat"
    linked = [build.add("PrimitiveStringMultiline", value=text), 0]
    node = build.prompt(linked, missing="skip")
    alone = build.add("TipoLoraPrompt", model=build.model, text="<lora:one:1>")
    shown = build.add("PreviewAny", source=[node, 2])
    saved = [build.drawn_from(node), build.drawn(*build.loaded(("one.safetensors", 1, 1)), "a cat")]
    build.drawn([alone, 0], build.clip, "a cat")
    outcome = client.run(build.graph, timeout=SECONDS)
    assert_equal(saved_latent(server, outcome, one) for one in saved)
    assert list(outcome.outputs[shown]["text"]) == ["a cat"]
    (report,) = outcome.outputs[node]["text"]
    assert line_with(report, "<lora:lost:1>", "left out")
    assert line_with(report, "other.safetensors", "no effect", "'sdxl_base_v1-0'")
    assert line_with(report, "<hypernet:x:1>", "not supported")
    assert line_with(report, "lbw=IN02", "no effect")
    (report,) = outcome.outputs[alone]["text"]
    assert line_with(report, f"{KEYS_IN_CLIP} not applied", "no clip is connected")


def test_a_replaced_file_is_noticed(server: Server, client: Client, loras: Path) -> None:
    for link in (False, True):
        build = LoraBuilder()
        text: Any = "<lora:changed:1> a cat"
        if link:
            text = [build.add("PrimitiveStringMultiline", value=text), 0]
        saved = build.drawn_from(build.prompt(text))
        latents = []
        for seed in (7, 8):
            save_lora(loras / "changed.safetensors", lora(seed, has_clip=link))
            outcome = client.run(build.graph, timeout=SECONDS)
            latents.append(saved_latent(server, outcome, saved))
        assert not np.array_equal(latents[0], latents[1])


def test_a_damaged_file_is_named(client: Client, loras: Path) -> None:
    build = LoraBuilder()
    build.drawn_from(build.prompt("<lora:damaged:1>"))
    with pytest.raises(RunFailed, match=r"'damaged.safetensors' cannot be read"):
        client.run(build.graph, timeout=SECONDS)
