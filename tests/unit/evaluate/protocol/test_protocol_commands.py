"""python -m tipo_core.evaluate protocol, from the command line to the table."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from tests.unit.fake_server import FakeServer
from tipo_core.evaluate import __main__ as command_line
from tipo_core.evaluate.frechet import frechet_distance, gaussian
from tipo_core.evaluate.protocol.workflow import published_workflow
from tipo_core.evaluate.vendi import vendi_score


def features(folder: Path) -> torch.Tensor:
    colours = [Image.open(path).getpixel((0, 0)) for path in sorted(folder.glob("*.png"))]
    return torch.tensor(colours).float() / 127.5 - 1


@pytest.fixture
def asked(fake: FakeServer, tmp_path: Path) -> list[str]:
    """A whole command line for two prompts."""
    (tmp_path / "prompts.txt").write_text("a cat\na dog\n", "utf-8")
    arguments = ["protocol", "short", "--out", tmp_path / "out", "--server", fake.url]
    arguments += ["--prompts", tmp_path / "prompts.txt", "--checkpoint", "two.safetensors"]
    arguments += ["--count", 2, "--steps", 4, "--width", 64]
    return [str(one) for one in [*arguments, "--set", "TIPO Expand.tag_length=short"]]


def test_both_arms_are_drawn_and_measured(
    fake: FakeServer, asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real, head = tmp_path / "real", tmp_path / "head.safetensors"
    real.mkdir()
    for number, colour in enumerate(((9, 80, 7), (200, 3, 90), (30, 60, 250))):
        Image.new("RGB", (2, 2), colour).save(real / f"{number}.png")
    weight = torch.tensor([[1.0, -2.0, 3.0]])
    save_file({"weight": weight, "bias": torch.tensor([5.0])}, head)
    more = ["--real", real, "--features", "pixels:1", "--head", head]
    more += ["--head-features", "pixels:1"]
    assert command_line.main([*asked, *map(str, more)]) == 0
    graph = fake.graphs["run-1"]
    assert graph["3"]["inputs"]["ckpt_name"] == "two.safetensors"
    assert graph["8"]["inputs"]["vae_name"] == "connected VAE"
    assert graph["8"]["inputs"]["connected_vae"] == ["3", 2]
    assert graph["7"]["inputs"]["steps"] == 4 and graph["6"]["inputs"]["width"] == 64
    assert graph["2"]["inputs"]["tag_length"] == "short"
    out = tmp_path / "out"
    arms = {arm: features(out / arm) for arm in ("plain", "expanded")}
    reports = json.loads((out / "measures.json").read_text("utf-8"))
    expected = {}
    for arm, side in arms.items():
        units = [torch.nn.functional.normalize(one) for one in (features(real), side)]
        scores = units[1] @ weight[0] + 5
        expected["frechet", arm] = frechet_distance(*map(gaussian, units))
        expected["vendi", arm] = vendi_score(side)
        expected["aesthetic", arm] = float(scores.mean())
    for (name, arm), value in expected.items():
        assert reports[name][arm]["value"] == pytest.approx(value)
        with Image.open(out / f"measures-{name}.png") as chart:
            assert chart.size == (960, 640)
    with (out / "measures.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert {(row["measure"], row["arm"]): float(row["value"]) for row in rows} == pytest.approx(
        expected
    )
    assert {row["pictures"] for row in rows} == {"2"}
    table = capsys.readouterr().out.splitlines()
    assert table[0] == f"4 pictures in {out}, 4 of them drawn now"
    assert table[1].split() == ["plain", "expanded"]
    pair = [f"{expected['frechet', arm]:.4g}" for arm in arms]
    assert table[2].split()[:8] == [*"FD with pixels:1 of length 1".split(), *pair]
    assert command_line.main([*asked, "--draw-only"]) == 0
    assert capsys.readouterr().out == f"4 pictures in {out}, 0 of them drawn now\n"


def test_what_is_wrong_is_said_before_anything_is_drawn(
    fake: FakeServer, asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = asked.index("--checkpoint")
    no_checkpoint = asked[:place] + asked[place + 2 :]
    own = tmp_path / "own.json"
    expand = {"class_type": "TipoExpand", "inputs": {"tags": "", "caption": ""}}
    show = {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}
    own.write_text(json.dumps({"1": expand, "2": show}), "utf-8")
    for arguments, words in (
        (no_checkpoint, "no checkpoint is given: name one with --checkpoint"),
        ([*asked, "--set", "steps=3"], "'steps=3' is not NODE.INPUT=VALUE"),
        ([*asked, "--set", "Nothing.steps=3"], "there is no node 'Nothing'"),
        ([*asked, "--workflow", str(own)], "--checkpoint sets a CheckpointLoaderSimple, and"),
        ([*asked, "--features", "pixels:0"], "'pixels:0' is unknown"),
        ([*asked, "--features", "pixels:1", "--real", str(tmp_path / "x")], "there is no folder"),
        ([*asked, "--draw-only", "--at-once", "0"], "--at-once"),
    ):
        assert command_line.main(arguments) == 1
        assert words in capsys.readouterr().err
    assert not fake.graphs
    assert command_line.main([*asked, "--draw-only"]) == 0
    assert not (tmp_path / "out" / "measures.json").exists()


def test_an_interrupted_run_says_how_it_goes_on(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tipo_core.comfy_api.http_client.HttpClient.queue", interrupted)
    assert command_line.main([*asked, "--draw-only"]) == 130
    assert "interrupted: the same command continues" in capsys.readouterr().err


def test_a_vae_named_by_its_checkpoint_follows_the_checkpoint(
    fake: FakeServer, asked: list[str], tmp_path: Path
) -> None:
    graph = published_workflow("caption")
    graph["8"]["inputs"] = {"vae_name": "checkpoint: one.safetensors", "precision": "auto"}
    own = tmp_path / "own.json"
    own.write_text(json.dumps(graph), "utf-8")
    assert command_line.main([*asked, "--draw-only", "--workflow", str(own)]) == 0
    drawn = fake.graphs["run-1"]
    assert drawn["8"]["inputs"]["vae_name"] == "checkpoint: two.safetensors"
