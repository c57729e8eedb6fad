"""The JSON of results has the keys that docs/results-json.md lists."""

from __future__ import annotations

import json

from tests.unit.expansion.scripted import Scripted
from tipo_core.expansion.expand import expand
from tipo_core.expansion.json_form import VERSION, expansion_json, task_json
from tipo_core.expansion.request import ExpansionRequest
from tipo_core.expansion.task import TaskRequest, run_task
from tipo_core.expansion.tasks import Length, Task
from tipo_core.prompt.origins import Origin

from .documented import PAGE, documented_keys


def test_the_keys_of_an_expansion_are_documented() -> None:
    request = ExpansionRequest(tags="1girl", tag_length=Length.VERY_SHORT)
    (one,) = expand(Scripted([" hat", " A girl."]), request)
    values = expansion_json(one)
    assert set(values) == documented_keys("TIPO Expand")
    assert json.loads(json.dumps(values)) == values
    page = PAGE.read_text("utf-8")
    assert {f"`{key}`" for key in values["passes"][0] if f"`{key}`" not in page} == set()
    assert all(f"| `{origin.value}` |" in page for origin in Origin)
    assert values["version"] == VERSION and f"describes version {VERSION}." in page


def test_the_keys_of_a_task_are_documented() -> None:
    request = TaskRequest(task=Task.TAG_TO_LONG, length=Length.SHORT, tags="1girl")
    values = task_json(run_task(Scripted([" A girl."]), request))
    assert set(values) == documented_keys("TIPO Single Task")
    assert values["version"] == VERSION
