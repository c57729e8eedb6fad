"""A run on a server: its requests and files, how it continues, and its refusals."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.unit.fake_server import CANCELLED, EXPANDER, FAILS, FakeServer, colour
from tipo_core.comfy_api.api_graph import GraphError, apply_settings
from tipo_core.comfy_api.http_client import HttpClient
from tipo_core.evaluate.protocol import draw as drawing
from tipo_core.evaluate.protocol.arms import Arms
from tipo_core.evaluate.protocol.draw import Run, draw
from tipo_core.evaluate.protocol.rows import Rows
from tipo_core.evaluate.protocol.workflow import published_workflow

PROMPTS = ("a cat", "a dog, hatsune miku (append)", "a bird")


def run_of(*settings: str, prompts: tuple[str, ...] = PROMPTS, seed: int = 5) -> Run:
    graph = published_workflow("tags")
    apply_settings(graph, ["CheckpointLoaderSimple.ckpt_name=one.safetensors", *settings])
    return Run("short", prompts, seed, Arms.of(graph, "tags"))


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "rows.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_row_for_each_picture(fake: FakeServer, tmp_path: Path) -> None:
    assert draw(run_of(), HttpClient(fake.url), tmp_path, at_once=2) == 6
    rows = rows_of(tmp_path)
    assert [(row["arm"], row["index"], row["seed"]) for row in rows] == [
        (arm, str(index), str(5 + index)) for index in range(3) for arm in ("plain", "expanded")
    ]
    assert [row["given"] for row in rows] == [prompt for prompt in PROMPTS for _ in range(2)]
    drawn = [row["drawn"] for row in rows]
    assert drawn[::2] == ["a cat", r"a dog, hatsune miku \(append\)", "a bird"]
    assert drawn[1::2] == [f"{prompt},\n\nand more" for prompt in PROMPTS]
    assert {row["seconds"] for row in rows} == {"1.5"}
    for row, graph in zip(rows, fake.graphs.values(), strict=True):
        assert row["file"] == f"{row['arm']}/{int(row['index']):06}.png"
        assert Image.open(tmp_path / row["file"]).getpixel((0, 0)) == colour(graph)
        assert graph["7"]["inputs"]["seed"] == int(row["seed"])
        assert (EXPANDER in graph) == (row["arm"] == "expanded")
    plain, expanded = list(fake.graphs.values())[2:4]
    assert plain["4"]["inputs"]["text"] == r"a dog, hatsune miku \(append\)"
    assert expanded["2"]["inputs"]["tags"] == PROMPTS[1] and expanded["2"]["inputs"]["seed"] == 6
    assert expanded["2"]["inputs"]["caption"] == "" and expanded["4"]["inputs"]["text"] == ["2", 0]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("expanded", "plain", "rows.csv", "run.json")
    ]
    assert draw(run_of(), HttpClient(fake.url), tmp_path) == 0 and len(fake.graphs) == 6


class Killed(BaseException):
    pass


def test_a_killed_run_goes_on(
    fake: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    draw(run_of(), HttpClient(fake.url), whole)
    fake.graphs.clear()
    add = Rows.add

    def kill_at_the_fourth(rows: Rows, *arguments: Any) -> None:
        if len(rows.done) == 3:
            raise Killed
        add(rows, *arguments)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Rows, "add", kill_at_the_fourth)
        draw(run_of(), HttpClient(fake.url), cut, at_once=5)
    assert len(rows_of(cut)) == 3 and len(fake.graphs) == 5
    # Waiting prompts are withdrawn.
    assert set(fake.withdrawn) == {"run-3", "run-4"}
    # As a machine without power leaves it: a row cut in its middle, a picture that never came.
    table = cut / "rows.csv"
    table.write_bytes(table.read_bytes()[:-9])
    (cut / "expanded" / "000000.png").unlink()
    fake.graphs.clear()
    assert draw(run_of(), HttpClient(fake.url), cut, at_once=1) == 5
    assert len(fake.graphs) == 5
    assert rows_of(cut) == rows_of(whole)
    for row in rows_of(whole):
        assert (cut / row["file"]).read_bytes() == (whole / row["file"]).read_bytes()


def test_what_an_other_run_left_is_kept(fake: FakeServer, tmp_path: Path) -> None:
    client = HttpClient(fake.url)
    draw(run_of(), client, tmp_path)
    before = (tmp_path / "rows.csv").read_bytes()
    refused: list[tuple[Run, str]] = [
        (run_of("TipoSampler.steps=9"), r"has node 7 \(TipoSampler\) steps 16, not 9: give anoth"),
        (run_of(seed=6), "has seed 5, not 6"),
        (run_of(prompts=("a cat", "a cow", "a bird")), "row 1 of 'a dog.*now 'a cow'"),
        (run_of(prompts=PROMPTS[:2]), "has row 2, and this run has 2 prompts.*--count"),
    ]
    for run, message in refused:
        with pytest.raises(ValueError, match=message):
            draw(run, client, tmp_path)
    (tmp_path / "run.json").rename(tmp_path / "elsewhere.json")
    with pytest.raises(ValueError, match=r"rows of other settings, and run\.json.* is missing"):
        draw(run_of("TipoSampler.steps=9"), client, tmp_path)
    (tmp_path / "elsewhere.json").rename(tmp_path / "run.json")
    assert (tmp_path / "rows.csv").read_bytes() == before and len(fake.graphs) == 6
    # 3 and 3.0 are one setting, and more prompts do not make another run.
    assert draw(run_of("TipoSampler.cfg=3", prompts=(*PROMPTS, "a cow")), client, tmp_path) == 2
    assert len(rows_of(tmp_path)) == 8


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (FAILS, ["row 1 of expanded", FAILS, "node 7 (TipoSampler)", "no memory"]),
        (CANCELLED, ["row 1 of expanded", "cancelled on the server", "run the same command again"]),
    ],
)
def test_a_prompt_that_fails(
    fake: FakeServer, tmp_path: Path, prompt: str, words: list[str]
) -> None:
    with pytest.raises(RuntimeError) as caught:
        draw(run_of(prompts=("a cat", prompt, "x")), HttpClient(fake.url), tmp_path, at_once=1)
    assert all(word in str(caught.value) for word in words), caught.value
    assert [row["index"] for row in rows_of(tmp_path)] == ["0", "0", "1"]


def test_what_the_server_lacks(
    fake: FakeServer, object_info: dict[str, Any], tmp_path: Path
) -> None:
    client = HttpClient(fake.url)
    wrong = "CheckpointLoaderSimple.ckpt_name=three"
    with pytest.raises(GraphError, match=r"no choice 'three'.*: choose one of one.saf.*, two.safe"):
        draw(run_of(wrong), client, tmp_path)
    fake.refusal = json.loads(
        """{"error": {"message": "failed"}, "node_errors": {"7": {"class_type": "TipoSampler",
        "errors": [{"message": "Value too small", "details": "steps"}]}}}"""
    )
    with pytest.raises(RuntimeError, match=r"refuses row 0 of plain, 'a cat',: node 7 \(TipoSam"):
        draw(run_of("TipoSampler.steps=0"), client, tmp_path)
    fake.refusal = None
    pack = object_info.pop("TipoExpand")
    with pytest.raises(GraphError, match=r"has no node TipoExpand: install .*custom_nodes"):
        draw(run_of(), client, tmp_path)
    object_info["TipoExpand"] = pack
    # No failed attempt bound the folder to its settings.
    assert draw(run_of(), client, tmp_path) == 6


def test_no_server(fake: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    get = fake.get

    def gone_in_between(path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        return (500, {}) if path == "/history/run-2" else get(path, query)

    client = HttpClient(fake.url)
    monkeypatch.setattr(fake, "get", gone_in_between)
    with pytest.raises(ConnectionError, match=r"answers 500 .*/history/run-2"):
        draw(run_of(), client, tmp_path, at_once=1)
    assert len(rows_of(tmp_path)) == 2
    monkeypatch.setattr(fake, "get", lambda *asked: (200, b"<html>"))
    with pytest.raises(ConnectionError, match="not a ComfyUI server: name one with --server"):
        draw(run_of(), client, tmp_path)
    fake.stop()
    with pytest.raises(ConnectionError, match=r"no ComfyUI.*at http://.*; 4 pictures are missing"):
        draw(run_of(), client, tmp_path)
    assert len(rows_of(tmp_path)) == 2
    with pytest.raises(ValueError, match="not the address of a server"):
        HttpClient("file:///etc/passwd")


def test_a_server_that_was_started_anew(
    fake: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "_SECONDS_BETWEEN_LOOKS", 0.0)
    monkeypatch.setattr(drawing, "_SHORTEST_PAUSE", 0.001)
    fake.forgets = 2
    assert draw(run_of(), HttpClient(fake.url), tmp_path, at_once=2) == 6
    assert len(rows_of(tmp_path)) == 6 and len(fake.graphs) == 8
    fake.forgets = 99
    with pytest.raises(RuntimeError, match="lost row 3 of plain, 'a cow', 3 times"):
        draw(run_of(prompts=(*PROMPTS, "a cow")), HttpClient(fake.url), tmp_path, at_once=1)
