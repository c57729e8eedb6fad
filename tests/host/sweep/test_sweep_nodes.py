"""Sweeps and grids in the real host: each cell equals a single run with its values."""

from __future__ import annotations

import copy
import json
import re
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from PIL import Image

from devkit.server.graph_settings import nodes_of_type, the_node
from devkit.server.server import Server
from devkit.server.websocket_client import Client, Graph, GraphRejected, Outcome, RunFailed
from devkit.setup.layout import this_checkout
from devkit.setup.toy_sd import NAME
from tests.host.node_errors import node_errors
from tests.host.picture_graphs import SECONDS, Builder

OUTPUTS = ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise", "clip_skip", "sweep")


class SweepBuilder(Builder):
    """A graph with a sweep in it; `runs` draws with its values, `single` with values of its own."""

    def sweep(self, **changes: Any) -> str:
        inputs = {
            "seed": 3,
            "steps": 2,
            "cfg": 6.5,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1.0,
            "clip_skip": 0,
            "columns": "none",
            "column_values": "",
            "rows": "none",
            "row_values": "",
        }
        return self.add("TipoSweep", **(inputs | changes))

    def pictures(self, sampler: str, positive: str, **changes: Any) -> list[Any]:
        latent = self.sample(sampler, positive, **changes)
        return [self.add("VAEDecode", samples=[latent, 0], vae=self.vae), 0]

    def runs(self, sampler: str, sweep: str, positive: str, **changes: Any) -> list[Any]:
        linked = {name: [sweep, OUTPUTS.index(name)] for name in OUTPUTS[:6]}
        return self.pictures(sampler, positive, **(linked | changes))

    def grid(self, images: list[Any], sweep: str, **changes: Any) -> str:
        return self.add("TipoGrid", images=images, sweep=[sweep, 7], **changes)

    def save(self, images: list[Any]) -> str:
        return self.add("SaveImage", images=images, filename_prefix="sweeps/test")


def files(server: Server, outcome: Outcome, node: str) -> list[np.ndarray]:
    """The 8-bit pictures that a node saved or shows."""
    found = []
    for entry in outcome.outputs[node]["images"]:
        with Image.open(
            server.base / entry["type"] / entry["subfolder"] / entry["filename"]
        ) as one:
            found.append(np.asarray(one.convert("RGB")))
    return found


def cells_of(server: Server, outcome: Outcome, grid: str) -> list[tuple[str, list[np.ndarray]]]:
    """Each cell's values and pictures, cut out of the shown grid where the report says."""
    (picture,) = files(server, outcome, grid)
    first, *lines = outcome.outputs[grid]["text"][0].splitlines()
    height, width = picture.shape[:2]
    assert first.startswith(f"grid {width} x {height}, pictures: ")
    cells = []
    for line in lines:
        found = re.fullmatch(r"row \d+, column \d+: (.+) \((.+)\)", line)
        assert found, line
        places = [list(map(int, re.findall(r"\d+", place))) for place in found[2].split(";")]
        cells.append((found[1], [picture[y : y + h, x : x + w] for w, h, x, y in places]))
    return cells


def test_each_cell_is_the_picture_of_a_single_run(server: Server, client: Client) -> None:
    """Core's KSampler takes a menu's value as its list, TipoSampler as COMBO: both are linked."""
    build = SweepBuilder()
    positive = build.core_encode()
    sweep = build.sweep(
        columns="cfg", column_values="2:6:2", rows="sampler_name", row_values="dpmpp_2m, euler"
    )
    values = list(product(("dpmpp_2m", "euler"), (2.0, 4.0, 6.0)))
    grids, shown = [], []
    for sampler in ("KSampler", "TipoSampler"):
        grids.append(build.grid(build.runs(sampler, sweep, positive), sweep))
        shown.append(build.save([grids[-1], 0]))
    singles = [
        build.save(build.pictures("KSampler", positive, sampler_name=name, cfg=cfg))
        for name, cfg in values
    ]
    outcome = client.run(build.graph, timeout=SECONDS)
    expected = [files(server, outcome, single)[0] for single in singles]
    assert not any(np.array_equal(one, other) for one, other in pairwise(expected))
    for grid, save in zip(grids, shown, strict=True):
        cells = cells_of(server, outcome, grid)
        assert [name for name, _ in cells] == [
            f"sampler_name {name}, cfg {cfg:g}" for name, cfg in values
        ]
        for (name, (cell,)), single in zip(cells, expected, strict=True):
            np.testing.assert_array_equal(cell, single, err_msg=name)
        (saved,), (preview,) = files(server, outcome, save), files(server, outcome, grid)
        np.testing.assert_array_equal(saved, preview)
    assert outcome.outputs[sweep]["text"][0].startswith("6 pictures: 3 columns x 2 rows\n")


def test_clip_skip_beside_seeds_with_two_pictures_a_cell(server: Server, client: Client) -> None:
    """The encode runs for each cell: ComfyUI takes a list as it is, equal values included."""
    build = SweepBuilder()
    sweep = build.sweep(columns="clip_skip", column_values="1:2", rows="seed", row_values="5,8")
    encode = build.encode([sweep, OUTPUTS.index("clip_skip")], text="of a sweep")
    latent = build.latent(2)
    images = build.runs("TipoSampler", sweep, encode, latent_image=latent)
    grid = build.grid(images, sweep, font_size=12, gap=3, background="black")
    singles = []
    for seed, clip_skip in product((5, 8), (1, 2)):
        positive = build.encode(clip_skip, text="of a sweep")
        images = build.pictures("KSampler", positive, seed=seed, latent_image=latent)
        singles.append(build.save(images))
    outcome = client.run(build.graph, timeout=SECONDS)
    cells = cells_of(server, outcome, grid)
    assert [name for name, _ in cells] == [
        f"seed {seed}, clip_skip {skip}" for seed, skip in product((5, 8), (1, 2))
    ]
    assert not np.array_equal(cells[0][1][0], cells[1][1][0])
    for (name, cell), single in zip(cells, singles, strict=True):
        np.testing.assert_array_equal(cell, files(server, outcome, single), err_msg=name)
    assert len(outcome.outputs[encode]["text"]) == 4


def test_lists_are_rows_by_columns_and_one_value_stays_one(client: Client) -> None:
    build = SweepBuilder()
    last = 2**64 - 1
    sweep = build.sweep(
        columns="denoise",
        column_values="0.6:0.2:-0.2",
        rows="seed",
        row_values=f"{last - 1}:{last}",
    )
    shown = [build.add("PreviewAny", source=[sweep, slot]) for slot in range(7)]
    outcome = client.run(build.graph, timeout=SECONDS)
    assert [list(outcome.outputs[node]["text"]) for node in shown] == [
        [str(last - 1)] * 3 + [str(last)] * 3,
        ["2"],
        ["6.5"],
        ["euler"],
        ["normal"],
        ["0.6", "0.4", "0.2"] * 2,
        ["0"],
    ]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"columns": "cfg"}, "column_values is empty"),
        ({"columns": "cfg", "column_values": "1:9:0"}, "the step is 0"),
        ({"columns": "cfg", "column_values": "1:9:-1"}, "write 1:9:1 or 9:1:-1"),
        ({"rows": "denoise", "row_values": "0.5, 2"}, "row_values, entry 2, '2': denoise must be"),
        ({"rows": "steps", "row_values": "1.5"}, "steps takes whole numbers"),
        ({"rows": "sampler_name", "row_values": "eular"}, "did you mean 'euler'"),
        ({"rows": "seed", "row_values": "0:99999999999"}, "row_values.*100000000000 values"),
        (
            {"columns": "cfg", "column_values": "0:40", "rows": "seed", "row_values": "0:9"},
            "41 columns x 10 rows are 410 pictures",
        ),
        (
            {"columns": "cfg", "column_values": "1", "rows": "cfg", "row_values": "2"},
            "columns and rows both change cfg",
        ),
        ({"columns": "eta", "column_values": "1"}, "columns: 'eta' cannot be swept"),
        (
            {"columns": "prompt S/R", "column_values": "cat, dog"},
            "column_values: text and negative_text are empty: connect the prompts",
        ),
    ],
)
def test_a_mistake_is_named_before_anything_is_computed(
    client: Client, changes: dict[str, Any], named: str
) -> None:
    build = SweepBuilder()
    positive = build.core_encode()
    build.graph[positive]["inputs"]["text"] = named  # of its own, so that it is not in the cache
    sweep = build.sweep(**changes)
    build.grid(build.runs("KSampler", sweep, positive), sweep)
    with pytest.raises(GraphRejected, match=rf"node {sweep} \(TipoSweep\).*{named}") as caught:
        client.run(build.graph, timeout=SECONDS)
    assert str(caught.value).count(f"node {sweep} ") == 1
    (error,) = node_errors(client, build.graph, sweep)
    assert re.search(named, error["details"]), "ComfyUI repeats a problem for each named input"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"sampler_name": "dpm++"}, "there is no sampler_name 'dpm[+][+]'|'dpm[+][+]' not in"),
        ({"scheduler": "carras"}, "did you mean 'karras'|'carras' not in"),
        ({"column_values": None}, "column_values"),
    ],
)
def test_a_wrong_or_missing_value_is_named(
    client: Client, changes: dict[str, Any], named: str
) -> None:
    build = SweepBuilder()
    sweep = build.sweep(**{key: value for key, value in changes.items() if value is not None})
    for key, value in changes.items():
        if value is None:
            del build.graph[sweep]["inputs"][key]
    build.grid(build.runs("KSampler", sweep, build.core_encode()), sweep)
    with pytest.raises((RunFailed, GraphRejected), match=named) as caught:
        client.run(build.graph, timeout=SECONDS)
    assert "positional argument" not in str(caught.value)


def test_pictures_that_are_not_of_the_sweep_are_counted(client: Client) -> None:
    build = SweepBuilder()
    sweep = build.sweep(columns="cfg", column_values="2:6:2", rows="seed", row_values="1, 2")
    one = build.add("EmptyImage", width=8, height=8, batch_size=6, color=0)
    build.grid([one, 0], sweep)
    named = "2 rows x 3 columns = 6 cells, the list of pictures has 1"
    with pytest.raises(RunFailed, match=named):
        client.run(build.graph, timeout=SECONDS)


def test_labels_without_an_effect_are_named(client: Client) -> None:
    """The grid has a label for each cfg, and the sampler draws all with its own."""
    build = SweepBuilder()
    sweep = build.sweep(columns="cfg", column_values="2, 4", rows="steps", row_values="1, 2")
    images = build.runs("KSampler", sweep, build.core_encode(), cfg=5.0)
    grid = build.grid(images, sweep)
    outcome = client.run(build.graph, timeout=SECONDS)
    *cells, note = outcome.outputs[grid]["text"][0].splitlines()
    assert len(cells) == 5 and "warning: TIPO Sweep changes cfg, but no node is connected" in note


def test_a_sweep_of_sweeps_is_refused(client: Client) -> None:
    build = SweepBuilder()
    outer = build.sweep(columns="cfg", column_values="2, 4")
    inner = build.sweep(cfg=[outer, 2], columns="seed", column_values="1, 2")
    build.grid([build.add("EmptyImage", width=8, height=8, batch_size=1, color=0), 0], inner)
    with pytest.raises(RunFailed, match=r"2 sweeps.*linked to a list.*Link a single value"):
        client.run(build.graph, timeout=SECONDS)


def test_style_of_a_grid_that_cannot_be_drawn_is_named(client: Client) -> None:
    build = SweepBuilder()
    sweep = build.sweep()
    image = [build.add("EmptyImage", width=8, height=8, batch_size=1, color=0), 0]
    build.grid(image, sweep, background="mauve")
    # Newer cores know the choices of a menu before the run.
    named = "background 'mauve' is unknown: choose white, black|background: 'mauve' not in"
    with pytest.raises((RunFailed, GraphRejected), match=named):
        client.run(build.graph, timeout=SECONDS)


def test_names_of_samplers_go_to_menus_of_samplers_alone(client: Client) -> None:
    """ComfyUI would drop the branches with a bad link and run the rest."""
    build = SweepBuilder()
    sweep = build.sweep()
    positive = build.core_encode()
    text = build.add("CLIPTextEncode", clip=build.clip, text=[sweep, 3])
    sampled = [
        build.sample("KSampler", positive, steps=1, sampler_name=[sweep, 3]),
        build.sample("KSampler", positive, steps=1, scheduler=[sweep, 3]),
        build.sample("KSampler", positive, steps=1, sampler_name=[sweep, 4]),
        build.sample("KSampler", text, steps=1),
    ]
    for node in sampled:
        build.save_latent(node)
    with pytest.raises(GraphRejected) as caught:
        client.run(build.graph, timeout=SECONDS)
    lines = str(caught.value).splitlines()
    refused = {line.split()[1] for line in lines if line.startswith("node")}
    assert refused == {*sampled[1:3], text}


@pytest.mark.parametrize(
    ("name", "changes", "size"),
    [
        ("cfg-denoise-grid", {"column_values": "4:6:2", "row_values": "0.3:0.7:0.2"}, 6),
        ("clip-skip-comparison", {"column_values": "1:2", "row_values": "7:8"}, 4),
    ],
)
def test_workflow_draws_its_grid(
    server: Server, client: Client, name: str, changes: dict[str, Any], size: int
) -> None:
    path = this_checkout().root / "workflows" / "api" / f"{name}.json"
    graph: Graph = copy.deepcopy(json.loads(path.read_text("utf-8")))
    tiny = {
        "CheckpointLoaderSimple": {"ckpt_name": NAME},
        "TipoLoadVae": {"vae_name": f"checkpoint: {NAME}"},
        "EmptyLatentImage": {"width": 64, "height": 64},
        "TipoSweep": {"steps": 2, **changes},
    }
    for class_type, inputs in tiny.items():
        for node_id in nodes_of_type(graph, class_type):
            graph[node_id]["inputs"].update(inputs)
    for node_id in nodes_of_type(graph, "TipoSampler"):
        if not isinstance(graph[node_id]["inputs"]["steps"], list):
            graph[node_id]["inputs"]["steps"] = 2
    outcome = client.run(graph, timeout=SECONDS)
    grid = the_node(graph, "TipoGrid")
    cells = cells_of(server, outcome, grid)
    assert len(cells) == size
    assert all(cell.shape == (64, 64, 3) and np.ptp(cell) > 50 for _, (cell,) in cells)
    for (name_a, (a,)), (name_b, (b,)) in pairwise(cells):
        assert not np.array_equal(a, b), (name_a, name_b)
    (saved,) = files(server, outcome, the_node(graph, "TipoSaveImage"))
    np.testing.assert_array_equal(saved, files(server, outcome, grid)[0])
    shown = outcome.outputs[grid]["images"][0]
    with Image.open(server.base / shown["type"] / shown["filename"]) as picture:
        assert set(json.loads(picture.info["prompt"])) == set(graph)
