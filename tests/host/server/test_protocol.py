"""The published protocol on a real server: interruption, resumption and pictures."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops
from PIL.Image import Image as Picture

from devkit.server.server import Server
from devkit.server.websocket_client import Client, Graph
from devkit.setup.toy_sd import NAME
from tests.host.graphs import inputs_of, text_only, texts
from tipo_core.evaluate import __main__ as command_line
from tipo_core.evaluate.protocol.rows import Rows

SECONDS = 120
SEED = 90210
PROMPTS = ("1girl, red hat", "scenery, sunset")
TIPO = {"tag_length": "very_short", "caption_length": "none"}


@pytest.fixture
def asked(server: Server, tmp_path: Path) -> list[str]:
    """The command line of a run of two prompts, without measures."""
    (tmp_path / "prompts.txt").write_text("\n".join(PROMPTS), "utf-8")
    options = {
        **{"--out": tmp_path / "out", "--prompts": tmp_path / "prompts.txt", "--count": 2},
        **{"--field": "tags", "--seed": SEED, "--server": server.url, "--checkpoint": NAME},
        **{"--width": 64, "--height": 64, "--steps": 2, "--cfg": 4},
        **{"--sampler": "euler", "--scheduler": "normal"},
    }
    arguments = ["protocol", "short", *(str(one) for pair in options.items() for one in pair)]
    for name, value in TIPO.items():
        arguments += ["--set", f"TipoExpand.{name}={value}"]
    return arguments


def drawn_by_hand(client: Client, server: Server, graph: Graph, text: str, seed: int) -> Picture:
    """The picture of a text, in a graph without TIPO."""
    inputs_of(graph, "TipoSampler").update(
        seed=seed, cfg=4.0, sampler_name="euler", scheduler="normal"
    )
    positive, negative = (inputs_of(graph, "TipoSampler")[s] for s in ("positive", "negative"))
    graph[positive[0]]["inputs"]["text"] = text
    graph[negative[0]]["inputs"]["text"] = ""
    inputs_of(graph, "TipoSaveImage")["text"] = text
    for node_id in [n for n in graph if graph[n]["class_type"] in ("TipoExpand", "TipoLoadModel")]:
        del graph[node_id]
    outcome = client.run(graph, timeout=SECONDS)
    (saved,) = (one for output in outcome.outputs.values() for one in output.get("images", []))
    return Image.open(server.base / "output" / saved["subfolder"] / saved["filename"])


def test_interrupted_and_resumed(
    client: Client,
    server: Server,
    graph: Graph,
    asked: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    add = Rows.add

    def ctrl_c(rows: Rows, *arguments: Any) -> None:
        add(rows, *arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Rows, "add", ctrl_c)
        assert command_line.main([*asked, "--draw-only"]) == 130
    assert [path.name for path in out.glob("*/*.png")] == ["000000.png"]
    first = (out / "plain" / "000000.png").read_bytes()
    assert command_line.main([*asked, "--features", "pixels:2"]) == 0
    assert f"4 pictures in {out}, 3 of them drawn now" in capsys.readouterr().out
    assert (out / "plain" / "000000.png").read_bytes() == first
    with (out / "rows.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["arm"], row["given"], int(row["seed"])) for row in rows] == [
        (arm, PROMPTS[index], SEED + index) for index in range(2) for arm in ("plain", "expanded")
    ]
    assert [row["drawn"] for row in rows[::2]] == list(PROMPTS)
    assert all(0 < float(row["seconds"]) < SECONDS for row in rows)
    recipe = json.loads((out / "run.json").read_text("utf-8"))
    template = recipe["node 2 (TipoExpand) template"]
    for row in rows[1::2]:
        asks = {**TIPO, "tags": row["given"], "template": template, "seed": int(row["seed"])}
        small = text_only(graph, caption="", **asks)
        assert texts(small, client.run(small, timeout=SECONDS))[0]["prompt"] == row["drawn"]
        assert len(row["drawn"]) > len(row["given"])
    row = rows[3]
    by_hand = drawn_by_hand(client, server, graph, row["drawn"], int(row["seed"]))
    picture = Image.open(out / row["file"])
    assert picture.size == (64, 64)
    assert ImageChops.difference(picture.convert("RGB"), by_hand.convert("RGB")).getbbox() is None
    measures = json.loads((out / "measures.json").read_text("utf-8"))["vendi"]
    assert all(1 <= measures[arm]["value"] <= 2 for arm in ("plain", "expanded"))


def test_what_the_server_lacks(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [*asked, "--draw-only", "--set"]
    for setting, words in (
        ("CheckpointLoaderSimple.ckpt_name=none.safetensors", ["no choice 'none.saf", NAME]),
        ("TipoLoadModel.model=no-such-model", ["row 0 of expanded", "no-such-model", "tipo-nano"]),
        ("TipoSampler.steps=0", ["refuses row 0 of plain", "TipoSampler", "steps"]),
        ("TipoExpand.temperature=oops", ["refuses row 0 of expanded", "TipoExpand", "oops"]),
    ):
        assert command_line.main([*wrong, setting]) == 1
        error = capsys.readouterr().err
        assert all(word in error for word in words), error
    assert not (tmp_path / "out" / "run.json").exists()
