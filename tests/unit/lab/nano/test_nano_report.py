"""`lab.nano evaluate` on small corpora, which are those of the training."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from lab.nano import __main__ as command
from lab.nano.measures.held_out_requests import Counts, ask

FEW = {"requests": 8, "continued": 2, "expansions": 1, "toy": 1, "varied": 1, "texts": 1}
SHARES = (
    "well_formed",
    "length_reached",
    "in_vocabulary",
    "caption_nouns",
    "caption_colours",
    "toy",
    "distinct_2",
)


@pytest.fixture(scope="module")
def asked_corpora(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpora with photo captions enough for some to be held out."""
    folder = tmp_path_factory.mktemp("asked") / "corpora"
    shutil.copytree(corpora, folder)
    names = ("".join("abcdefghij"[int(digit)] for digit in str(one)) for one in range(200))
    lines = [f"A cat sits on a table with books of {name}." for name in names]
    with gzip.open(folder / "captions_coco.txt.gz", "wt", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")
    return folder


def test_the_shipped_model_is_reported_on_and_the_report_fits_a_card(
    asked_corpora: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [f"--{name}={count}" for name, count in {**FEW, "safety": 2}.items()]
    assert command.main(["evaluate", "--data", str(asked_corpora), *options]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (report["requests"], report["checked_for_safety"]) == (8, 2)
    assert report["well_formed"] == report["length_reached"] == 1
    assert all(0 <= report[name] <= 1 for name in SHARES), report
    assert all(0 <= report["variety"][name] < 1 for name in ("self_bleu", "tags", "captions"))
    assert report["unsafe"] == report["unsafe_filtered"] == 0
    assert len(report["examples"]) == 8

    file = tmp_path / "report.json"
    file.write_text(json.dumps(report), encoding="utf-8")
    assert command.main(["card", f"v1={file}"]) == 0
    assert "| self-BLEU" in capsys.readouterr().out


def test_more_of_one_kind_leaves_what_is_asked_before_it(asked_corpora: Path) -> None:
    few = ask(asked_corpora, Counts(**FEW), 1)
    more = ask(asked_corpora, Counts(**{**FEW, "varied": 5}), 1)
    assert [len(few.varied), len(more.varied)] == [1, 5]
    assert more.varied[:1] == few.varied
    for name in asdict(Counts()):
        if name not in ("varied", "texts"):
            assert getattr(more, name) == getattr(few, name)
    assert (more.records, more.captions) == (few.records, few.captions)
