"""python -m tipo_core.evaluate text, from requests to the table."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tipo_core import expand, load_model
from tipo_core.evaluate import __main__ as command_line
from tipo_core.evaluate.text import text_output
from tipo_core.evaluate.text.answers import answers_json
from tipo_core.evaluate.text.intervals import wilson
from tipo_core.evaluate.text.measure_rows import measure_answers
from tipo_core.evaluate.text.text_faults import FAULTS

from .hand_made import answer

REQUESTS = [
    {"text": "1girl, red hair, library", "kind": "portrait", "persons": ["1girl"]},
    {"text": "a ship is sailing on the sea", "kind": "thing"},
]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    code = command_line.main(["text", *map(str, arguments)])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return captured.out


@pytest.fixture(scope="module")
def requests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "requests.json"
    path.write_text(json.dumps(REQUESTS), "utf-8")
    return path


def test_requests_are_expanded_as_the_node_does(
    requests: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("--requests", requests, "--length", "very_short", "--seeds", 2, "--json")
    report = json.loads(run(capsys, *asked))
    assert report["recipe"] == {"model": "tipo-nano", "length": "very_short", "seeds": 2}
    answers = report["answers"]
    assert [(one["request"]["kind"], one["seed"]) for one in answers] == [
        ("portrait", 0),
        ("portrait", 1),
        ("thing", 0),
        ("thing", 1),
    ]
    same = expand(
        load_model(),
        tags="1girl, red hair, library",
        tag_length="very_short",
        caption_length="very_short",
        seed=1,
    )
    assert tuple(answers[1]["added_tags"]) == same.added_tags
    assert answers[1]["added_caption"] == same.added_caption
    assert answers[1]["model_tags"].startswith("1girl, red hair, library")
    assert answers[2]["caption"] == "a ship is sailing on the sea" and not answers[2]["tags"]
    assert answers[0]["seconds"] > 0
    rows = {row["measure"]: row for row in report["rows"]}
    assert rows["added tags"]["requests"] == 2
    assert rows["overlap of two seeds' additions"]["requests"] == 2


def test_the_answers_of_a_report_are_measured_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report's own answers give the same rows, without a model."""
    given = [
        answer("no humans, fox", "heart, tree, snow, forest", "A fox.", kind="animal"),
        answer("a lake", "heart, fog, boat, forest", "A lake with a boat.", kind="landscape"),
    ]
    path, table = tmp_path / "answers.json", tmp_path / "faults.csv"
    path.write_text(json.dumps({"answers": answers_json(given)}), "utf-8")
    first = json.loads(run(capsys, "--answers", path, "--json"))
    path.write_text(json.dumps(first), "utf-8")
    assert json.loads(run(capsys, "--answers", path, "--json"))["rows"] == first["rows"]
    text = run(capsys, "--answers", path, "--csv", table)
    filler = wilson([1.0, 1.0])
    assert filler is not None
    line = f"| a filler that nothing asked for | 100 % | {100 * filler.low:.0f} to 100 | 2 |"
    assert line in text.splitlines()
    assert "Tags added to the most kinds of requests: forest (2), heart (2)" in text
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["filler"] for row in rows] == ["heart", "heart"]
    assert rows[0]["person missed"] == "-" and rows[0]["short list"] == ""
    assert set(FAULTS) < set(rows[0])


def test_a_request_counts_by_its_share_of_seeds() -> None:
    given = [
        answer("no humans, fox", "heart, tree, snow, forest", kind="animal"),
        answer("no humans, fox", "den, tree, snow, forest", kind="animal", seed=1),
        answer("a lake", "fog, boat, reeds, forest", kind="landscape"),
    ]
    rows = {row.name: row for row in measure_answers(given).rows}
    filler = rows["a filler that nothing asked for"].estimate
    assert filler.value == pytest.approx(0.25) and filler.count == 2
    assert rows["a filler that nothing asked for, no person asked for"].estimate == filler
    assert "a half word after the user's caption" not in rows  # no answer continues a caption


def test_slots_are_rows_of_their_own() -> None:
    given = [
        answer("1girl, red hair", "blue hair, 2girls, smile, hat"),
        answer("2girls, snow", "hat, tree, sky, smile"),
    ]
    rows = {row.name: row for row in measure_answers(given).rows}
    assert rows["contradiction in hair colour"].estimate.value == 0.5
    assert rows["contradiction in person count"].estimate.value == 0.5
    assert "contradiction in eye colour" not in rows


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("[]", "holds no list of requests"),
        ('[{"text": "fog"}, {"text": "fog"}]', "same text"),
    ],
)
def test_a_bad_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, error: str
) -> None:
    path = tmp_path / "requests.json"
    path.write_text(content, "utf-8")
    asked = ["text", "--requests", str(path), "--seeds", "1", "--length", "very_short"]
    assert command_line.main(asked) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("error: ") and error in message


def test_bad_options_are_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "answers.json"
    cases: list[tuple[Any, str]] = [
        ({"rows": []}, "has no answers"),
        ({"answers": [{"request": {"text": "fog"}, "seed": 0}]}, "answer 1 is incomplete"),
    ]
    for content, error in cases:
        path.write_text(json.dumps(content), "utf-8")
        assert command_line.main(["text", "--answers", str(path)]) == 1
        assert error in capsys.readouterr().err
    assert command_line.main(["text", "--requests", str(path), "--seeds", "0"]) == 1
    assert "--seeds is 0: give 1 or more" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command_line.main(["text"])


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that has to fail before the work; return its last line."""
    assert command_line.main(["text", *map(str, arguments)]) == 1
    captured = capsys.readouterr()
    assert not captured.out and "Errno" not in captured.err and "expanded" not in captured.err
    return captured.err.splitlines()[-1]


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    given = [answer("a fox", "tree, snow", kind="animal"), answer("a lake", "fog", kind="water")]
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({"answers": answers_json(given)}), "utf-8")
    return path


def test_csv_and_scorer_are_checked_before_the_work(
    requests: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def expand_all(*_: object) -> None:
        raise AssertionError("the work began")

    monkeypatch.setattr("tipo_core.evaluate.text.answers.expand_all", expand_all)
    asked = ("--requests", requests)
    nowhere = tmp_path / "nowhere" / "faults.csv"
    assert "there is no folder" in refused(capsys, *asked, "--csv", nowhere)
    assert "is a folder: give a file" in refused(capsys, *asked, "--csv", tmp_path)
    assert "is the input: give another" in refused(capsys, *asked, "--csv", requests)
    assert "--scorer 'nowhere' does not exist" in refused(capsys, *asked, "--scorer", "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    message = refused(capsys, *asked, "--scorer", empty)
    assert f"--scorer '{empty}' cannot be loaded: " in message
    assert not list(tmp_path.glob("*.part"))


def test_the_table_is_printed_before_the_file_is_written(
    answers: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(part: Path, _: object) -> None:
        part.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(text_output, "_write_rows", full_disk)
    table = answers.with_name("faults.csv")
    assert command_line.main(["text", "--answers", str(answers), "--csv", str(table)]) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith("| measure |")
    assert captured.err == (
        f"error: --csv '{table}' cannot be written (No space left on device): choose another file "
        "or disk\n"
    )
    assert [path.name for path in answers.parent.iterdir()] == ["answers.json"]


def test_input_files_are_named_in_errors(
    tmp_path: Path, answers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "requests.json"
    for option in ("--requests", "--answers"):
        assert f"there is no file '{path}'" in refused(capsys, option, path)
        assert "is a folder: give a JSON file" in refused(capsys, option, tmp_path)
    path.write_bytes(b"\xff")
    assert "is no JSON file" in refused(capsys, "--requests", path)
    path.write_text('[{"text": "fog"}, {"text": "a \\ud83d cat"}]', "utf-8")
    message = refused(capsys, "--requests", path)
    assert f"{path}, entry 2: text has a lone surrogate, U+D83D, at character 3" in message
    report = json.loads(answers.read_text("utf-8"))
    for name, value, error in (
        ("seed", "x", "answer 1: seed is 'x': give a whole number"),
        ("seed", True, "answer 1: seed is True: give a whole number"),
        ("added_tags", "tree", "answer 1: added_tags is 'tree': give a list of texts"),
        ("added_tags", [1], "answer 1: added_tags has 1: give a list of texts"),
        ("added_caption", "\ud83d", "answer 1: added_caption has a lone surrogate"),
        ("seconds", None, "answer 1: seconds is None: give a number"),
    ):
        entry = {**report["answers"][0], name: value}
        path.write_text(json.dumps({"answers": [entry]}), "utf-8")
        assert error in refused(capsys, "--answers", path)


def test_a_tipo_model_as_scorer_is_a_warning(
    requests: Path, answers: Path, capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    asked = ("--scorer", "tipo-nano", "--json")
    report = json.loads(run(capsys, "--answers", answers, *asked))
    (warning,) = report["recipe"]["warnings"]
    assert warning.startswith("the scorer 'tipo-nano' is a TIPO model")
    assert f"warning: {warning}" in caplog.text
    small = ("--length", "very_short", "--seeds", 1)
    report = json.loads(run(capsys, "--requests", requests, *small, *asked))
    assert "is the model under test" in report["recipe"]["warnings"][0]
