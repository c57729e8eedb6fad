"""tipo-nano's training: samples from the corpora, and tag biases that a second run reuses."""

from __future__ import annotations

import csv
from pathlib import Path

from lab.nano.__main__ import main


def test_a_run_that_continues_keeps_its_tag_biases(corpora: Path, tmp_path: Path) -> None:
    shape = "--vocab-size 400 --hidden-size 32 --intermediate-size 64 --layers 1 --heads 2"
    run = "--kv-heads 1 --batch-tokens 2048 --workers 1 --compile 0 --fit-rounds 0"
    counts = "--samples 64 --held-out 16"
    options = [*shape.split(), *run.split(), *counts.split()]
    folders = ["train", "--data", str(corpora), "--out", str(tmp_path)]
    assert main([*folders, *options, "--steps", "2"]) == 0
    biases = (tmp_path / "tag_biases.npy").read_bytes()
    assert main([*folders, *options, "--steps", "3"]) == 0
    assert (tmp_path / "tag_biases.npy").read_bytes() == biases
    with (tmp_path / "training.csv").open(encoding="utf-8", newline="") as stream:
        assert [row["step"] for row in csv.DictReader(stream)] == ["2", "3"]
