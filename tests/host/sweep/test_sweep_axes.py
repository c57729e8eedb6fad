"""Sweeps of prompts, LoRA strengths, checkpoints and VAEs: each cell equals a single run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from devkit.server.server import Server
from devkit.server.websocket_client import Client, GraphRejected, RunFailed
from devkit.setup.layout import this_checkout
from devkit.setup.toy_sd import NAME
from tests.host.lora.lora_weights import lora, save_lora
from tests.host.picture_graphs import SECONDS
from tests.host.sweep.test_sweep_nodes import OUTPUTS, SweepBuilder, cells_of, files

STRENGTHS, TEXTS, NEGATIVES = 9, 10, 11
OTHER = "of-a-sweep/other.safetensors"


@pytest.fixture(scope="module")
def other_checkpoint(server: Server) -> Iterator[str]:
    """A second checkpoint: toy-sd with another output of the diffusion model."""
    weights = load_file(this_checkout().base / "models" / "checkpoints" / NAME)
    name = "model.diffusion_model.out.2.weight"
    weights[name] = weights[name].flip(1)
    path = server.base / "models" / "checkpoints" / OTHER
    path.parent.mkdir(parents=True)
    save_file(weights, path)
    yield OTHER
    path.unlink()
    path.parent.rmdir()


@pytest.fixture
def lora_file(server: Server) -> Iterator[str]:
    path = server.base / "models" / "loras" / "swept.safetensors"
    save_lora(path, lora(11))
    yield path.name
    path.unlink()


def assert_cells(
    server: Server, outcome: Any, grid: str, names: list[str], singles: list[str]
) -> None:
    cells = cells_of(server, outcome, grid)
    assert [name for name, _ in cells] == names
    expected = [files(server, outcome, single)[0] for single in singles]
    assert not any(np.array_equal(one, other) for one, other in pairwise(expected))
    for (name, (cell,)), single in zip(cells, expected, strict=True):
        np.testing.assert_array_equal(cell, single, err_msg=name)


def test_prompt_sr_and_names_of_a1111(server: Server, client: Client) -> None:
    build = SweepBuilder()
    sweep = build.sweep(
        columns="prompt S/R",
        column_values='red, "blue, dark"',
        rows="sampler_name",
        row_values="Euler a, DPM++ 2M Karras",
        text="a red cat",
        negative_text="red, blurry",
    )
    positive, negative = (
        build.add("CLIPTextEncode", clip=build.clip, text=[sweep, slot])
        for slot in (TEXTS, NEGATIVES)
    )
    images = build.runs("KSampler", sweep, positive, negative=[negative, 0])
    grid = build.grid(images, sweep)
    singles = []
    samplers = [("euler_ancestral", "normal"), ("dpmpp_2m", "karras")]
    for (sampler, scheduler), word in product(samplers, ("red", "blue, dark")):
        texts = [
            build.add("CLIPTextEncode", clip=build.clip, text=text)
            for text in (f"a {word} cat", f"{word}, blurry")
        ]
        images = build.pictures(
            "KSampler",
            texts[0],
            negative=[texts[1], 0],
            sampler_name=sampler,
            scheduler=scheduler,
        )
        singles.append(build.save(images))
    outcome = client.run(build.graph, timeout=SECONDS)
    names = [
        "sampler_name euler_ancestral, red",
        "sampler_name euler_ancestral, blue, dark",
        "sampler_name dpmpp_2m karras, red",
        "sampler_name dpmpp_2m karras, blue, dark",
    ]
    assert_cells(server, outcome, grid, names, singles)


def test_lora_strengths_by_core_and_by_prompt(
    server: Server, client: Client, lora_file: str
) -> None:
    build = SweepBuilder()
    strengths = (0.0, 0.5, 1.0)
    by_core = build.sweep(columns="lora_strength", column_values="0-1(+0.5)")
    loaded = build.add(
        "LoraLoader",
        model=build.model,
        clip=build.clip,
        lora_name=lora_file,
        strength_model=[by_core, STRENGTHS],
        strength_clip=[by_core, STRENGTHS],
    )
    by_text = build.sweep(
        columns="prompt S/R",
        column_values="<lora:swept:0>, <lora:swept:0.5>, <lora:swept:1>",
        text="a cat, <lora:swept:0>",
    )
    prompted = build.add(
        "TipoLoraPrompt", model=build.model, clip=build.clip, text=[by_text, TEXTS]
    )
    grids = []
    for sweep, node, text in ((by_core, loaded, "a cat"), (by_text, prompted, [prompted, 2])):
        positive = build.add("CLIPTextEncode", clip=[node, 1], text=text)
        images = build.runs("KSampler", sweep, positive, model=[node, 0])
        grids.append(build.grid(images, sweep))
    singles = []
    for strength in strengths:
        one = build.add(
            "LoraLoader",
            model=build.model,
            clip=build.clip,
            lora_name=lora_file,
            strength_model=strength,
            strength_clip=strength,
        )
        positive = build.add("CLIPTextEncode", clip=[one, 1], text="a cat")
        singles.append(build.save(build.pictures("KSampler", positive, model=[one, 0])))
    outcome = client.run(build.graph, timeout=SECONDS)
    names = [f"lora_strength {strength:g}" for strength in strengths]
    assert_cells(server, outcome, grids[0], names, singles)
    names = [f"<lora:swept:{strength:g}>" for strength in strengths]
    assert_cells(server, outcome, grids[1], names, singles)


def test_checkpoints_are_loaded_once_each(
    server: Server, client: Client, other_checkpoint: str
) -> None:
    build = SweepBuilder()
    sweep = build.sweep(
        rows="checkpoint", row_values="other, toy-sd", columns="cfg", column_values="3, 6"
    )
    loaded = build.add("TipoSweepModels", sweep=[sweep, OUTPUTS.index("sweep")])
    positive, negative = (
        build.add("CLIPTextEncode", clip=[loaded, 1], text=text) for text in ("a cat", "blurry")
    )
    latent = build.sample(
        "KSampler",
        positive,
        model=[loaded, 0],
        negative=[negative, 0],
        cfg=[sweep, OUTPUTS.index("cfg")],
    )
    images = [build.add("VAEDecode", samples=[latent, 0], vae=[loaded, 2]), 0]
    grid = build.grid(images, sweep)
    singles = []
    for checkpoint, cfg in product((other_checkpoint, NAME), (3.0, 6.0)):
        one = build.add("CheckpointLoaderSimple", ckpt_name=checkpoint)
        texts = [
            build.add("CLIPTextEncode", clip=[one, 1], text=text) for text in ("a cat", "blurry")
        ]
        images = build.pictures(
            "KSampler", texts[0], model=[one, 0], negative=[texts[1], 0], cfg=cfg
        )
        singles.append(build.save(images))
    outcome = client.run(build.graph, timeout=SECONDS)
    names = [f"checkpoint {name}, cfg {cfg}" for name in ("other", "toy-sd") for cfg in (3, 6)]
    assert_cells(server, outcome, grid, names, singles)
    (report,) = outcome.outputs[loaded]["text"]
    assert report.splitlines() == [f"checkpoint '{OTHER}'", f"checkpoint '{NAME}'"]


def test_vaes_of_one_picture(
    server: Server, client: Client, models: Path, vae: dict[str, Any]
) -> None:
    save_file(vae, models / "vae" / "linear.safetensors")
    build = SweepBuilder()
    sweep = build.sweep(columns="vae", column_values="Automatic, linear, checkpoint: toy-sd")
    loaded = build.add("TipoSweepModels", sweep=[sweep, OUTPUTS.index("sweep")], vae=build.vae)
    latent = [build.sample("KSampler", build.core_encode()), 0]
    images = [build.add("VAEDecode", samples=latent, vae=[loaded, 2]), 0]
    grid = build.grid(images, sweep)
    linear = build.add("TipoLoadVae", vae_name="linear.safetensors")
    singles = [
        build.save([build.add("VAEDecode", samples=latent, vae=one), 0])
        for one in (build.vae, [linear, 0], build.vae)
    ]
    outcome = client.run(build.graph, timeout=SECONDS)
    names = ["vae Automatic", "vae linear", "vae checkpoint: toy-sd"]
    assert_cells(server, outcome, grid, names, singles)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"columns": "prompt S/R", "column_values": "dog, cat"}, "'dog' is in neither text"),
        ({"columns": "checkpoint", "column_values": "nope"}, "there is no checkpoint 'nope'"),
        ({"rows": "vae", "row_values": "../x"}, "there is no vae '../x'"),
        ({"rows": "sampler_name", "row_values": "DPM+ 2M"}, "there is no sampler_name 'DPM. 2M'"),
    ],
)
def test_a_mistake_is_named_before_anything_is_computed(
    client: Client, changes: dict[str, Any], named: str
) -> None:
    build = SweepBuilder()
    sweep = build.sweep(text="a red cat", negative_text="", **changes)
    build.grid(build.runs("KSampler", sweep, build.core_encode()), sweep)
    with pytest.raises(GraphRejected, match=named):
        client.run(build.graph, timeout=SECONDS)


def test_automatic_without_a_vae_is_named(client: Client) -> None:
    build = SweepBuilder()
    sweep = build.sweep(columns="vae", column_values="Automatic")
    loaded = build.add("TipoSweepModels", sweep=[sweep, OUTPUTS.index("sweep")])
    latent = build.sample("KSampler", build.core_encode(), steps=1)
    build.save([build.add("VAEDecode", samples=[latent, 0], vae=[loaded, 2]), 0])
    with pytest.raises(RunFailed, match="the input vae is not connected"):
        client.run(build.graph, timeout=SECONDS)
