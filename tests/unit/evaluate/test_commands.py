"""python -m tipo_core.evaluate frechet, vendi and aesthetic, from folders to reports."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from tipo_core.evaluate import __main__ as command_line
from tipo_core.evaluate import folder_reports as pictures
from tipo_core.evaluate.frechet import extrapolate, frechet_distance, gaussian

PIXELS = ("--features", "pixels:1")


def colours(count: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 255, (count, 3), generator=generator)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Folders `real` and `drawn` of pictures in one colour each."""
    for seed, name in enumerate(("real", "drawn")):
        (tmp_path / name).mkdir()
        for number, colour in enumerate(colours(14, seed).tolist()):
            Image.new("RGB", (2, 2), tuple(colour)).save(tmp_path / name / f"{number:02}.png")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    assert command_line.main([str(one) for one in arguments]) == 0
    return json.loads(capsys.readouterr().out)


def features(seed: int) -> torch.Tensor:
    return colours(14, seed).float() / 127.5 - 1


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def test_frechet(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, chart = folders / "f.csv", folders / "f.png"
    asked = ("frechet", folders / "real", folders / "drawn", *PIXELS)
    report = run(capsys, *asked, "--csv", table, "--plot", chart)
    sides = features(0), features(1)
    assert report["metric"] == "FD with pixels:1"
    assert report["value"] == pytest.approx(frechet_distance(*map(gaussian, sides)))
    assert report["extrapolated"] == pytest.approx(extrapolate(*sides).value)
    assert report["warnings"] == [] and report["dimensions"] == 3
    assert report["real"]["count"] == report["drawn"]["count"] == 14
    header, *lines = rows(table)
    assert header == ["folder", "file", "feature_norm"] and len(lines) == 28
    assert lines[14][:2] == [str(folders / "drawn"), "00.png"]
    assert float(lines[14][2]) == pytest.approx(float(sides[1][0].norm()))
    assert Image.open(chart).size == (960, 640)
    same = run(capsys, "frechet", folders / "real", folders / "real", *PIXELS)
    assert same["value"] < 1e-12
    report = run(capsys, *asked, "--unit-length")
    directions = (side / side.norm(dim=1, keepdim=True) for side in sides)
    assert report["metric"] == "FD with pixels:1 of length 1"
    assert report["value"] == pytest.approx(frechet_distance(*map(gaussian, directions)))


def test_few_pictures_are_warned_of(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("frechet", folders / "real", folders / "drawn", *PIXELS, "--limit")
    report = run(capsys, *asked, "8", "--plot", folders / "scatter.png")
    assert report["extrapolated"] is None
    assert [text.split(":")[0] for text in report["warnings"]] == [
        "not extrapolated to infinitely many pictures"
    ]
    assert Image.open(folders / "scatter.png").getcolors(4096) is not None
    report = run(capsys, *asked, "3")
    assert len(report["warnings"]) == 2 and "3 pictures for 3 dim" in report["warnings"][0]


def test_vendi(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chart = folders / "v.png"
    report = run(capsys, "vendi", folders / "real", *PIXELS, "--plot", chart)
    rows = torch.nn.functional.normalize(features(0).double(), dim=1)
    values = torch.linalg.eigvalsh(rows @ rows.T / 14)
    values = values[values > 1e-12]
    wanted = float((-values * values.log()).sum().exp())
    assert report["value"] == pytest.approx(wanted, rel=1e-6)
    assert report["share_of_pictures"] == pytest.approx(wanted / 14, rel=1e-6)
    assert chart.is_file()


def head(path: Path, **tensors: torch.Tensor) -> Path:
    save_file(tensors, path)
    return path


def test_aesthetic(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weight = torch.tensor([[1.0, -2, 3]])
    file = head(folders / "head.safetensors", weight=weight, bias=torch.tensor([5.0]))
    table, chart = folders / "s.csv", folders / "s.png"
    asked = ("aesthetic", folders / "real", "--head", file, *PIXELS)
    report = run(capsys, *asked, "--csv", table, "--plot", chart)
    unit = features(0) / features(0).norm(dim=1, keepdim=True)
    wanted = (unit * weight).sum(1) + 5
    assert report["value"] == pytest.approx(float(wanted.mean()), rel=1e-5)
    assert report["largest"] == pytest.approx(float(wanted.max()), rel=1e-5)
    assert report["standard_deviation"] == pytest.approx(float(wanted.std()), rel=1e-5)
    header, *lines = rows(table)
    assert header[2] == "score"
    assert [float(line[2]) for line in lines] == pytest.approx(wanted.tolist(), rel=1e-5)
    assert chart.is_file()
    assert run(capsys, *asked, "--limit", 1)["standard_deviation"] is None


@pytest.mark.parametrize(
    ("tensors", "wanted"),
    [
        ({"weight": torch.ones(1, 4), "bias": torch.ones(1)}, "takes embeddings of 4 dimensions"),
        ({"weight": torch.ones(3, 1), "bias": torch.ones(1)}, "holds bias (1,), weight (3, 1)"),
        ({"weight": torch.ones(1, 3), "bias": torch.ones(3)}, "give a safetensors file"),
        ({"weight": torch.ones(3)}, "holds weight (3,): give"),
        ({"weight": torch.ones(1, 3), "bias": torch.ones(1) / 0}, "infinite"),
    ],
)
def test_heads_that_do_not_fit(
    folders: Path,
    capsys: pytest.CaptureFixture[str],
    tensors: dict[str, torch.Tensor],
    wanted: str,
) -> None:
    file = head(folders / "head.safetensors", **tensors)
    asked = ["aesthetic", str(folders / "real"), "--head", str(file), *PIXELS]
    assert wanted in error_of(capsys, asked)


def error_of(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    """Run a command that has to fail; return its one line."""
    assert command_line.main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    return printed.err


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("frechet", "real", "nowhere"), "there is no folder"),
        (("frechet", "real", "drawn", "--limit", "1"), "2 pictures or more, there is 1"),
        (("vendi", "real", "--plot", "chart.xyz"), "end it in .png"),
        (("vendi", "real", "--batch", "0"), "batch is 0: give 1 or more"),
        (("vendi", "real", "--features", "pixels:x"), "write pixels:1 to"),
        (("aesthetic", "real", "--head", "nowhere.safetensors"), "there is no head"),
    ],
)
def test_bad_input_is_one_line(
    folders: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    wanted: str,
) -> None:
    monkeypatch.chdir(folders)
    assert wanted in error_of(capsys, [arguments[0], *PIXELS, *arguments[1:]])


def test_ctrl_c_is_a_line_too(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(pictures, "folder_features", interrupted)
    asked = ["vendi", str(folders / "real"), *PIXELS]
    assert command_line.main([*asked, "--cache", str(folders / "cache")]) == 130
    assert capsys.readouterr().err == "interrupted: the features computed so far are in the cache\n"


def test_subject(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (0, 1):  # two prompts
        (folders / "drawn" / f"prompt {number}").mkdir()
    for number, path in enumerate(sorted((folders / "drawn").glob("*.png"))):
        path.rename(path.parent / f"prompt {number % 2}" / path.name)
    asked = ("subject", folders / "real", folders / "drawn", "--class", folders / "real", *PIXELS)
    report = run(capsys, *asked)
    unit = [torch.nn.functional.normalize(features(seed).double(), dim=1) for seed in (0, 1)]
    assert report["value"] == pytest.approx(float((unit[1] @ unit[0].T).mean()))
    assert report["class_like_subject"] == pytest.approx(float((unit[0] @ unit[0].T).mean()))
    same = torch.arange(14)[:, None] % 2 == torch.arange(14) % 2
    pairs = (1 - unit[1] @ unit[1].T)[same & ~torch.eye(14, dtype=torch.bool)]
    assert report["diversity"] == pytest.approx(float(pairs.mean()))
    assert (report["real"], report["drawn"], report["class"]) == (14, 14, 14)


def test_subject_without_a_folder(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["subject", str(folders / "real"), str(folders / "nothing"), *PIXELS]
    assert command_line.main(asked) == 1
    assert "there is no folder" in capsys.readouterr().err
