"""`python -m tipo_core migrate`: files, exit codes, the list of changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.migrate.old_graphs import Made, as_prompt, as_workflow
from tests.unit.migrate.test_old_forms import VALUES, one_node
from tipo_core.cli import main
from tipo_core.migrate.commands import LOST, migrate_values


def written(folder: Path, values: object) -> Path:
    path = folder / "old.json"
    path.write_text(json.dumps(values), "utf-8")
    return path


def test_a_workflow_is_written_and_the_old_one_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = written(tmp_path, as_workflow(one_node())), tmp_path / "new.json"
    before = old.read_bytes()
    assert main(["migrate", str(old), str(new)]) == 0
    assert old.read_bytes() == before
    types = [node["type"] for node in json.loads(new.read_text("utf-8"))["nodes"]]
    assert types == ["TipoExpand", "TipoLoadModel"]
    assert "1 TIPO replaced" in capsys.readouterr().out


def test_what_is_lost_is_listed_and_is_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = written(tmp_path, as_prompt(one_node(seed=-1))), tmp_path / "new.json"
    assert main(["migrate", str(old), str(new)]) == LOST
    assert "lost: TIPO (#4): the seed -1" in capsys.readouterr().err
    assert new.exists()


def test_no_file_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = written(tmp_path, as_workflow(one_node()))
    before = old.read_bytes()
    for force in ([], ["--force"]):
        assert main(["migrate", str(old), str(old), *force]) == 1
        assert "never changed" in capsys.readouterr().err
    link = tmp_path / "link.json"
    link.symlink_to(old)
    assert main(["migrate", str(old), str(link), "--force"]) == 1
    other = tmp_path / "other.json"
    other.write_text("mine")
    assert main(["migrate", str(old), str(other)]) == 1
    assert other.read_text() == "mine"
    assert main(["migrate", str(old), str(other), "--force"]) == 0
    assert main(["migrate", str(old), str(tmp_path)]) == 1
    assert old.read_bytes() == before


@pytest.mark.parametrize("text", ["", "[]", "{}", "no json", '{"1": 2}', "[" * 100_000])
def test_another_file_is_an_error(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(text)
    assert main(["migrate", str(old), str(new)]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert not new.exists()


def test_the_model_in_place_of_dantaggens_is_chosen(tmp_path: Path) -> None:
    values = {
        **dict.fromkeys(("artist", "characters", "copyrights", "special_tags"), ""),
        **{"model": "KBlueLeaf/DanTagGen-beta", "general": "tree", "blacklist": ""},
        **{"rating": "safe", "target": "short", "width": 512, "height": 512},
        **{"escape_bracket": False, "temperature": 1.35},
    }
    old = written(tmp_path, as_prompt({"1": Made("PromptDanTagGen", values)}))
    new = tmp_path / "new.json"
    assert main(["migrate", str(old), str(new), "--dantaggen-model", "TIPO-100M"]) == LOST
    graph = json.loads(new.read_text("utf-8"))
    assert graph["2"]["inputs"]["model"] == "TIPO-100M"


def test_the_body_of_a_request_is_converted_with_its_workflow() -> None:
    info = {"extra_pnginfo": {"workflow": as_workflow(one_node())}, "other": 1}
    body: dict[str, Any] = {"prompt": as_prompt(one_node()), "extra_data": info, "client_id": "me"}
    migrated = migrate_values(body)
    assert migrated is not None
    assert migrated.workflow["prompt"]["4"]["class_type"] == "TipoExpand"
    workflow = migrated.workflow["extra_data"]["extra_pnginfo"]["workflow"]
    assert workflow["nodes"][0]["type"] == "TipoExpand"
    assert migrated.workflow["client_id"] == "me"
    assert body["extra_data"]["extra_pnginfo"]["workflow"]["nodes"][0]["type"] == "TIPO"


def test_half_of_a_character_is_written_as_an_escape(tmp_path: Path) -> None:
    old, new = written(tmp_path, as_prompt(one_node(tags="\ud83d"))), tmp_path / "new.json"
    assert main(["migrate", str(old), str(new)]) == 0
    assert json.loads(new.read_text("utf-8"))["4"]["inputs"]["tags"] == "\ud83d"
    assert VALUES["tags"] == "1girl"
