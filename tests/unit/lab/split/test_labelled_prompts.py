"""The measure on prompts that were labelled by hand."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from lab.split import __main__ as command
from lab.split.labelled_prompts import (
    DIFFUSION_LABELS,
    Share,
    evaluate_labelled,
    read_diffusion_labels,
    read_labelled_prompts,
)

# A file of prompts as `read_labelled_prompts` describes it; the project has none.
CASES = os.environ.get("TIPO_SPLIT_LABELS", "")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    row = {
        "source": "made up",
        "text": "1girl, A cat sits on a red sofa., red shoes",
        "segments": [
            {"start": 0, "end": 5, "label": "tag"},
            {"start": 7, "end": 33, "label": "tag"},
            {"start": 35, "end": 44, "label": "either"},
        ],
    }
    path = tmp_path / "labels.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(row).encode()))
    return path


def test_a_segment_is_right_if_all_of_it_is_on_its_side(labels: Path) -> None:
    report = evaluate_labelled(read_labelled_prompts(labels))
    assert (report.segments, report.prompts) == (Share(2, 3), Share(0, 1))
    assert report.by_label["either"] == Share(1, 1)
    assert report.mistakes == [("made up", "tag", "A cat sits on a red sofa.,")]
    assert "| segments | 2 of 3, 66.7% (95 %: 20.8% to 93.9%) |" in report.to_markdown()


def test_command(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["report", "--labels", str(labels)]) == 0
    assert "| whole prompts | 0 of 1" in capsys.readouterr().out


def test_unknown_label(labels: Path) -> None:
    labels.write_bytes(gzip.compress(gzip.decompress(labels.read_bytes()).replace(b"either", b"x")))
    with pytest.raises(ValueError, match=r"unknown labels \['x'\]"):
        read_labelled_prompts(labels)


def test_interval_of_nothing() -> None:
    assert Share(0, 0).interval == (0.0, 1.0)


def test_labels_by_line(tmp_path: Path) -> None:
    rows = [row.split() for row in DIFFUSION_LABELS.read_text(encoding="utf-8").split("\n") if row]
    assert len(rows) == 130
    lines = ["cat"] * (max(int(number) for number, _ in rows) + 1)
    for number, letters in rows:
        lines[int(number)] = ", ".join(["cat"] * len(letters))
    path = tmp_path / "prompts_diffusion.txt.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    prompts = read_diffusion_labels(tmp_path)
    assert [len(prompt.segments) for prompt in prompts] == [len(letters) for _, letters in rows]
    assert all(prompt.text[s:e] == "cat" for prompt in prompts for s, e, _ in prompt.segments)


@pytest.mark.skipif(not CASES, reason="TIPO_SPLIT_LABELS names no file: bars are NOT checked")
def test_bars() -> None:
    report = evaluate_labelled(read_labelled_prompts(Path(CASES)))
    assert report.segments.value >= 0.985, report.to_markdown()
    assert report.prompts.value >= 0.95
    assert report.wide_segments.value >= 0.9
