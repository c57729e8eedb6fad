"""Reports as tables of a model card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.nano.__main__ import main

REPORT: dict[str, Any] = {
    "parameters": 6_000_000, "requests": 10, "well_formed": 1.0, "length_reached": 0.9985,
    "in_vocabulary": 0.97, "relevance": {"model": 0.9, "real": 1.0, "shuffled": 0.1, "given": 9},
    "relevance_held_out": {"model": 0.0, "real": 0.0, "shuffled": 0.0, "given": 0},
    "caption_nouns": 0.8, "caption_colours": 0.9, "toy": 0.95, "distinct_2": 0.1,
    "variety": {"self_bleu": 0.25, "error": 0.0123, "tags": 0.1, "captions": 0.5},
    "perplexity_per_character": 1.5, "perplexity_per_word": 9.0,
    "caption_perplexity_per_character": 2.0, "tag_repetition": 0.0, "sentence_repetition": 0.0,
    "raw_well_formed": 0.99, "raw_length_reached": 0.7, "raw_tag_repetition": 0.1,
    "checked_for_safety": 50_000, "unsafe": 1, "unsafe_filtered": 0,
    "examples": {"tags": [["tag: hat", ", coat"]]},
}  # fmt: skip


@pytest.fixture
def report(tmp_path: Path) -> Path:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(REPORT), encoding="utf-8")
    return file


def test_columns_stand_side_by_side(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", f"v0={report}", f"v1={report}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| | v0 | v1 | bar |"
    assert "| length class reached | 99.85 % | 99.85 % | 98 % |" in lines
    assert any(line.count("90 % (0.90 of 1.00; shuffled 0.10)") == 2 for line in lines)
    assert sum("| 0.250 ± 0.012 | 0.250 ± 0.012 |" in line for line in lines) == 1
    assert sum("| 0.100, 0.500 | 0.100, 0.500 |" in line for line in lines) == 1
    assert "| the same after the filter | 0 of 50000 | 0 of 50000 | 0 |" in lines


def test_a_card_is_filled_and_filled_again(
    report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "step,tokens,loss,held_out,seconds\n100,500000,2.5,2.0,60\n200,1000000,2.0,1.8,120\n"
    (tmp_path / "training.csv").write_text(rows, encoding="utf-8")
    card = tmp_path / "README.md"
    places = [f"<!-- {name} -->\nold\n<!-- end {name} -->" for name in ("loss", "figures")]
    card.write_text("\n".join(["# Card", *places, "Behind."]), encoding="utf-8")
    command = ["card", f"v1={report}", "--curve", str(tmp_path / "training.csv")]
    command += ["--card", str(card)]
    assert main(command) == 1  # there is no place for the examples
    assert "put <!-- examples --> and <!-- end examples -->" in capsys.readouterr().err
    with card.open("a", encoding="utf-8") as stream:
        stream.write("\n<!-- examples --><!-- end examples -->\n")
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# Card\n") and "Behind." in printed and "old" not in printed
    assert "| 200 | 1.00 M | 2.0 | 1.8 |" in printed and "line [2.0, 1.8]" in printed
    assert "### tags" in printed and "tag: hat\u27f6, coat" in printed
    card.write_text(printed, encoding="utf-8")
    assert main(command) == 0
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize("entry", ["report.json", "v0=missing.json", "v0={folder}/broken.json"])
def test_what_is_no_report_is_one_line(
    entry: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.json").write_text("{}", encoding="utf-8")
    assert main(["card", entry.format(folder=tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
