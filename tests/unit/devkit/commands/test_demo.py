"""The demo's values in the graph, and its output, without a server."""

from __future__ import annotations

import io
import shlex
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from devkit import cli
from devkit.commands import demo
from devkit.messages import StepError
from devkit.server.graph_run import ProgressLines
from devkit.server.websocket_client import Outcome
from devkit.setup import toy_sd

GRAPH: dict[str, dict[str, Any]] = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {}, "_meta": {"title": "Load it"}},
    "2": {"class_type": "TipoExpand", "inputs": {}},
}
INFO = {
    "CheckpointLoaderSimple": {"input": {"required": {"ckpt_name": [["a.ckpt", "b.ckpt"], {}]}}},
}


def arguments(*more: str) -> Namespace:
    return cli.parser().parse_args(["demo", "1girl", *more])


def values(args: Namespace) -> dict[tuple[str, str], object]:
    return {(s.class_type, s.name): s.value for s in demo.settings_of(args)}


def test_toy_sd_draws_small_pictures_of_few_words_and_a_checkpoint_large_ones() -> None:
    small = values(arguments())
    assert small["CheckpointLoaderSimple", "ckpt_name"] == toy_sd.NAME
    assert small["EmptyLatentImage", "width"] == 128
    lengths = [small["TipoExpand", f"{kind}_length"] for kind in ("tag", "caption")]
    assert lengths == ["very_short", "none"]
    assert small["TipoExpand", "metadata"] == "artist: toy-sd"
    large = values(arguments("--checkpoint", "b.ckpt", "--seed", "0"))
    assert large["EmptyLatentImage", "height"] == 512
    assert large["TipoExpand", "metadata"] == ""
    assert large["TipoExpand", "seed"] == large["TipoSampler", "seed"] == 0


def test_length_sets_both_lengths() -> None:
    found = values(arguments("--length", "long"))
    assert found["TipoExpand", "tag_length"] == found["TipoExpand", "caption_length"] == "long"
    full = values(arguments("--checkpoint", "b.ckpt"))
    assert full["TipoExpand", "tag_length"] == full["TipoExpand", "caption_length"] == "long"


def test_an_unknown_checkpoint_lists_what_is_there() -> None:
    wrong = [demo.Setting("CheckpointLoaderSimple", "ckpt_name", "c.ckpt")]
    with pytest.raises(StepError) as caught:
        demo.check_choices(wrong, INFO)
    assert caught.value.step == demo.CHOOSE
    assert "a.ckpt, b.ckpt" in caught.value.remedy
    demo.check_choices([demo.Setting("CheckpointLoaderSimple", "ckpt_name", "b.ckpt")], INFO)


def outcome(count: int) -> Outcome:
    texts = [
        {"prompt": f"1girl, {n}", "tags": f"1girl, {n}", "caption": "", "added": f"{n}", "seed": n}
        for n in range(count)
    ]
    images = [{"filename": f"{n}.png", "subfolder": "s", "type": "output"} for n in range(count)]
    return Outcome("p", {"2": {"tipo": texts, "text": []}, "9": {"images": images}})


def test_result_of_one_and_of_two_variants(tmp_path: Path) -> None:
    one = demo.result_of(GRAPH, outcome(1), tmp_path)
    assert one == {
        "prompt": "1girl, 0",
        "tags": "1girl, 0",
        "caption": "",
        "added": "0",
        "image": str(tmp_path / "output" / "s" / "0.png"),
    }
    two = demo.result_of(GRAPH, outcome(2), tmp_path)
    assert [variant["added"] for variant in two["variants"]] == ["0", "1"]
    assert two["prompt"] == "1girl, 0"


def test_printed_result_tells_the_parts_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = demo.result_of(GRAPH, outcome(1), tmp_path)
    result["seconds"] = {"setup": 0.5, "server": 4.0, "nodes": {"TipoExpand": 1.25}, "total": 6.0}
    demo.print_result(result, arguments())
    printed = capsys.readouterr().out
    for line in ("yours:   1girl", "added:   0", f"picture: {result['image']}", "TipoExpand"):
        assert line in printed


def test_a_terminal_shows_the_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = demo.result_of(GRAPH, outcome(1), tmp_path)
    result["seconds"] = {"setup": 0.5, "server": 4.0, "nodes": {}, "total": 6.0}
    picture = Path(result["image"])
    picture.parent.mkdir(parents=True)
    Image.new("RGB", (8, 8), (250, 0, 0)).save(picture)
    demo.print_result(result, arguments())
    assert "\x1b" not in capsys.readouterr().out, "a pipe gets plain text"
    monkeypatch.setattr(demo, "ability_of", lambda: "colours")
    demo.print_result(result, arguments())
    shown = capsys.readouterr().out
    assert shown.index(str(picture)) < shown.index("\x1b[38;2;250;0;0;48;2;250;0;0m")


def test_the_next_commands_are_offered() -> None:
    others = ["--caption", "A girl.", "--length", "short", "--variants", "2", "--seed", "4"]
    given = cli.parser().parse_args(
        ["demo", "1girl, it's", "--checkpoint", "my model.safetensors", *others]
    )
    offered = demo.next_steps(given)
    assert "dev.py serve --open" in offered and "http://127.0.0.1:8188" in offered
    (again,) = [line for line in offered.splitlines() if line.startswith("another:")]
    words = shlex.split(again.partition("dev.py ")[2])
    repeated = cli.parser().parse_args(words)
    assert vars(repeated) == {**vars(given), "seed": 5}


def test_progress_lines_name_the_node_and_its_seconds() -> None:
    stream = io.StringIO()
    lines = ProgressLines(GRAPH, stream)
    lines("execution_cached", {"nodes": ["1"]})
    lines("executing", {"node": "2"})
    lines("progress", {"value": 1, "max": 2})
    lines("executing", {"node": None})
    first, second = stream.getvalue().splitlines()
    assert "CheckpointLoaderSimple (Load it)" in first and first.endswith("unchanged")
    assert "TipoExpand" in second and second.endswith(" s")


def test_a_failed_node_is_marked() -> None:
    stream = io.StringIO()
    lines = ProgressLines(GRAPH, stream)
    lines("executing", {"node": "2"})
    lines("execution_error", {"node_id": "2"})
    lines("executing", {"node": None})
    assert stream.getvalue().splitlines() == [f"  {'TipoExpand':<56} FAILED"]
