"""Damaged workflows: they are converted as far as they can be read, and the rest stays."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.migrate.old_graphs import as_prompt, as_workflow, random_graph
from tests.unit.migrate.test_old_forms import VALUES, lost, one_node, primitive, with_linked
from tipo_core.cli import main
from tipo_core.migrate.api_prompts import migrate_prompt
from tipo_core.migrate.commands import LOST, migrate_values
from tipo_core.migrate.ui_workflows import migrate_workflow

OLD = ("TIPO", "TIPOOperation", "TIPOFormat", "PromptDanTagGen")
DAMAGE: list[Any] = [
    *(None, True, -1, 7, 2.5, math.nan, math.inf, 10**400, "", "text", "4", "\ud83d"),
    *([], [None], [7], ["4", 0], ["4", -1], [[]], {}, {"id": 4}, {"nodes": 7}, [{}, {}]),
]


def examples(seed: int) -> Iterator[dict[str, Any]]:
    """A graph in API form, as a workflow, in a subgraph, and as the body of a request."""
    graph = random_graph(seed)
    workflow = as_workflow(graph)
    names = [[int(key), name] for key, made in graph.items() for name in made.values]
    widget_ids = [[f"{workflow['id']}:{key}:{name}", name] for key, name in names]
    workflow["extra"] |= {
        "linearMode": True,
        "linearData": {"inputs": [*names, *widget_ids], "outputs": [1]},
        "favoritedWidgets": {
            "favorites": [{"nodeLocatorId": str(key), "widgetName": name} for key, name in names]
        },
        "groupNodes": {"mine": {"nodes": [{"type": "TIPO"}]}},
        "linkExtensions": [{"id": 1, "parentId": 1}],
        "reroutes": [{"id": 1, "pos": [0, 0], "linkIds": [1]}],
    }
    inner = as_workflow(graph, subgraph=True)
    inner |= {
        "id": "sub",
        "inputNode": {"id": -10},
        "outputNode": {"id": -20},
        "inputs": [{"name": "x", "type": "STRING", "linkIds": []}],
        "outputs": [{"name": "y", "type": "STRING", "linkIds": []}],
        "widgets": [{"id": key, "name": name} for key, name in names],
        "state": {"lastNodeId": 90, "lastLinkId": 90},
    }
    proxies = {"proxyWidgets": [[str(key), name] for key, name in names]}
    outer = {"id": 500, "type": "sub", "properties": proxies, "inputs": [], "outputs": []}
    group = {"id": 501, "type": "workflow>mine", "inputs": [], "outputs": []}
    nested = {**workflow, "nodes": [outer, group, *workflow["nodes"]]}
    nested["definitions"] = {"subgraphs": [inner]}
    prompt = as_prompt(graph)
    yield from (prompt, workflow, nested)
    yield {"prompt": prompt, "extra_data": {"extra_pnginfo": {"workflow": workflow}}}


def places(values: Any) -> Iterator[tuple[Any, Any]]:
    """Every list or object with each of its places."""
    entries: list[Any] = list(values.items() if isinstance(values, dict) else enumerate(values))
    for key, value in entries:
        yield values, key
        if isinstance(value, (dict, list)):
            yield from places(value)


def damaged(values: dict[str, Any], generator: random.Random) -> dict[str, Any]:
    """A copy in which one to three values are others, or are missing."""
    result: dict[str, Any] = copy.deepcopy(values)
    for _ in range(generator.randint(1, 3)):
        holder, key = generator.choice(list(places(result)))
        if isinstance(holder, dict) and generator.random() < 0.2:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(generator.choice(DAMAGE))
        if not result:
            return result
    return result


def as_text(values: Any) -> str:
    return json.dumps(values, sort_keys=True)


def is_old(node: Any) -> bool:
    kind = node.get("type", node.get("class_type")) if isinstance(node, dict) else None
    return isinstance(kind, str) and kind in OLD


def without_links(node: Any) -> Any:
    """A node in API form, with the names of its links alone."""
    inputs = node.get("inputs") if isinstance(node, dict) else None
    if not isinstance(inputs, dict):
        return node
    values = {name: name if isinstance(one, list) else one for name, one in inputs.items()}
    return {**node, "inputs": values}


def check_kept(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Check the nodes of other kinds, and every key that holds neither nodes nor links."""
    free = {"nodes", "links", "last_node_id", "last_link_id", "extra", "definitions"}
    assert set(old) <= set(new)
    for key in set(old) - free:
        assert as_text(old[key]) == as_text(new[key]), key
    for before, after in zip(old["nodes"], new["nodes"], strict=False):
        if is_old(before):
            continue
        if not isinstance(before, dict):
            assert as_text(before) == as_text(after)
            continue
        for key in set(before) - {"inputs", "outputs", "properties"}:
            assert as_text(before[key]) == as_text(after[key]), key


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_workflow_is_converted_or_refused(seed: int) -> None:
    generator = random.Random(seed)
    for values in examples(seed):
        for _ in range(12):
            broken = damaged(values, generator)
            before = as_text(broken)
            try:
                migrated = migrate_values(broken)
            except ValueError as error:
                assert len(str(error)) > 20
                continue
            assert as_text(broken) == before, "the old graph was changed"
            if migrated is None:
                continue
            new = migrated.workflow
            as_text(new)
            if isinstance(broken.get("nodes"), list):
                check_kept(broken, new)
            elif "prompt" not in broken:
                for key, node in broken.items():
                    if not is_old(node):
                        assert as_text(without_links(new[key])) == as_text(without_links(node))
            # What the command writes is read again, and has nothing left to convert but nodes
            # that were named.
            again = migrate_values(json.loads(json.dumps(new)))
            assert again is not None
            assert not again.counts


def test_a_dead_link_at_an_output_is_dropped() -> None:
    workflow = as_workflow(one_node())
    workflow["nodes"][0]["outputs"][0]["links"] = [77777]
    migrated = migrate_workflow(workflow)
    assert migrated.counts == {"TIPO": 1}
    assert not migrated.lost
    assert "77777" not in as_text(migrated.workflow)


def test_a_link_that_no_output_lists_is_kept() -> None:
    workflow = as_workflow(random_graph(3))
    for node in workflow["nodes"]:
        for output in node["outputs"]:
            output["links"] = None
    whole = migrate_workflow(as_workflow(random_graph(3))).workflow
    assert as_text(migrate_workflow(workflow).workflow["links"]) == as_text(whole["links"])


def test_a_link_that_ends_at_another_node_is_copied() -> None:
    workflow = with_linked("tags", primitive("cat", "tags"))
    reader = {"id": 7, "type": "Other", "inputs": [{"name": "text", "link": 1}], "outputs": []}
    workflow["nodes"].append(reader)
    workflow["links"] = [[1, 9, 0, 7, 0, "STRING"]]
    migrated = migrate_workflow(workflow).workflow
    assert [1, 9, 0, 7, 0, "STRING"] in migrated["links"]
    assert reader in migrated["nodes"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"temperature": math.nan}, "temperature is nan"),
        ({"width": math.inf}, "width is inf"),
        ({"width": None}, "width is None"),
        ({"tags": ["a", "b", "c"]}, "tags is ['a', 'b', 'c']"),
    ],
)
def test_a_value_of_another_type_is_named(changes: dict[str, Any], problem: str) -> None:
    prompt = as_prompt(one_node(**changes))
    migrated = migrate_prompt(prompt)
    assert as_text(migrated.workflow) == as_text(prompt)
    assert f"TIPO (#4): it stays as it is: {problem}" in lost(migrated)
    assert "it stays as it is" in lost(migrate_workflow(as_workflow(one_node(**changes)))) or (
        changes == {"width": None}
    )


@pytest.mark.parametrize(
    "size", [math.inf, [300, 1e9], [math.inf, math.nan], [10**400, 5], "wide", [300], None]
)
def test_a_size_of_any_value_is_tolerated(size: Any) -> None:
    workflow = as_workflow(one_node())
    workflow["nodes"][0]["size"] = size
    workflow["nodes"][0]["pos"] = [math.nan, 10**400]
    migrated = migrate_workflow(workflow)
    assert migrated.counts == {"TIPO": 1}


def test_a_huge_picture_has_no_ratio() -> None:
    assert "no aspect ratio" in lost(migrate_prompt(as_prompt(one_node(width=10**400))))


def test_a_node_without_an_id_is_named() -> None:
    workflow = as_workflow(one_node())
    del workflow["nodes"][0]["id"]
    migrated = migrate_workflow(workflow)
    assert migrated.workflow == workflow
    assert "it has no id" in lost(migrated)


def test_new_ids_differ_from_ids_written_as_text() -> None:
    workflow = as_workflow(one_node())
    workflow["nodes"].append({"id": "5", "type": "Other"})
    ids = [str(node["id"]) for node in migrate_workflow(workflow).workflow["nodes"]]
    assert len(set(ids)) == len(ids)


def test_an_entry_of_an_api_graph_that_is_no_node_stays(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps({**as_prompt(one_node()), "8": None, "9": "text"}))
    assert main(["migrate", str(old), str(new)]) == 0
    graph = json.loads(new.read_text("utf-8"))
    assert (graph["4"]["class_type"], graph["8"], graph["9"]) == ("TipoExpand", None, "text")


def test_lists_inside_lists_are_an_error_that_names_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    for depth in (200, 400, 900, 3000):
        nested = "[" * depth + "]" * depth
        old.write_text(json.dumps(as_workflow(one_node()))[:-1] + f', "deep": {nested}}}')
        if main(["migrate", str(old), str(new), "--force"]):
            message = capsys.readouterr().err
            assert message.startswith("error: ")
            assert str(old) in message
    assert depth == 3000


@pytest.mark.parametrize("absent", [["ban_tags"], ["tags", "nl_prompt"], list(VALUES)])
def test_missing_inputs_have_the_defaults(absent: list[str]) -> None:
    prompt = as_prompt(one_node())
    for name in absent:
        del prompt["4"]["inputs"][name]
    migrated = migrate_prompt(prompt)
    assert migrated.counts == {"TIPO": 1}
    assert not migrated.lost
    bans = "" if "ban_tags" in absent else "*hat*"
    assert migrated.workflow["4"]["inputs"]["bans"] == bans


@pytest.mark.parametrize("kind", OLD)
def test_a_node_without_inputs_is_converted(kind: str) -> None:
    migrated = migrate_prompt({"4": {"class_type": kind}})
    assert migrated.counts == {kind: 1}


def test_an_unknown_input_is_named() -> None:
    prompt = as_prompt(one_node(my_own=1))
    migrated = migrate_prompt(prompt)
    assert migrated.counts == {"TIPO": 1}
    assert "the input my_own is removed: TIPO has no such input" in lost(migrated)


def test_an_output_of_another_name_is_converted_by_its_place(tmp_path: Path) -> None:
    whole = as_workflow(random_graph(3))
    renamed = copy.deepcopy(whole)
    for node in renamed["nodes"]:
        if node["type"] == "TIPO":
            node["outputs"][0]["name"] = "STRING"
    new = migrate_workflow(renamed)
    assert new.counts["TIPO"]
    assert as_text(new.workflow) == as_text(migrate_workflow(whole).workflow)


def test_a_node_that_stays_is_the_exit_code(tmp_path: Path) -> None:
    workflow = as_workflow(one_node())
    workflow["nodes"][0]["outputs"] = [{"name": "IMAGE", "type": "IMAGE", "links": None}]
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps(workflow))
    assert main(["migrate", str(old), str(new)]) == LOST
    assert json.loads(new.read_text("utf-8")) == workflow


@pytest.mark.parametrize(
    "changes",
    [
        *({"links": None}, {"links": {}}, {"links": [7, None, "x", [1]]}, {"extra": []}),
        {"nodes": [None, "text", {"type": "Other"}, {"id": [], "inputs": [None, {"link": 1}]}]},
        *({"definitions": []}, {"definitions": {"subgraphs": ["text", {"nodes": [None]}]}}),
        *({"extra": {"groupNodes": []}}, {"extra": {"groupNodes": {"mine": 7}}}, {"state": 7}),
        *({"last_node_id": None}, {"last_link_id": "x"}, {"reroutes": [None]}),
    ],
)
def test_damage_beside_an_old_node_does_not_count(changes: dict[str, Any]) -> None:
    workflow = as_workflow(one_node())
    nodes = workflow["nodes"]
    workflow |= changes
    others = changes.get("nodes", [])
    workflow["nodes"] = [*others, *nodes, {"id": 8, "type": "workflow>mine"}]
    migrated = migrate_workflow(workflow)
    assert migrated.counts == {"TIPO": 1}
    assert not migrated.lost
    assert migrated.workflow["nodes"][: len(others)] == others
    kept = set(workflow) - {"nodes", "links", "last_node_id", "last_link_id"}
    assert all(migrated.workflow[key] == workflow[key] for key in kept)


@pytest.mark.parametrize("inputs", [None, {}, [None], [{"type": "STRING", "link": None}], [7]])
def test_damaged_inputs_of_an_old_node_do_not_count(inputs: Any) -> None:
    workflow = as_workflow(one_node())
    workflow["nodes"][0]["inputs"] = inputs
    whole = migrate_workflow(as_workflow(one_node()))
    assert migrate_workflow(workflow).workflow == whole.workflow


def test_the_link_of_an_input_without_a_name_is_named() -> None:
    workflow = with_linked("tags", primitive("cat", "tags"))
    del workflow["nodes"][0]["inputs"][0]["name"]
    migrated = migrate_workflow(workflow)
    assert migrated.counts == {"TIPO": 1}
    assert "a link that ends at it" in lost(migrated)
    assert migrated.workflow["nodes"][1]["outputs"][0]["links"] == []
