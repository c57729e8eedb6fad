"""Widgets that a workflow names outside their node: app forms, favourites, subgraphs."""

from __future__ import annotations

from typing import Any

from tests.unit.migrate.old_graphs import as_workflow
from tests.unit.migrate.test_old_forms import lost, one_node
from tipo_core.migrate.ui_workflows import migrate_workflow


def in_subgraph(extra: dict[str, Any]) -> dict[str, Any]:
    """A workflow with a TIPO (#4) inside a subgraph's node (#1)."""
    inner = as_workflow(one_node(), subgraph=True)
    inner |= {"id": "0b2a-sub", "inputNode": {"id": -10}, "outputNode": {"id": -20}}
    inner["widgets"] = [{"id": 4, "name": "ban_tags"}, {"id": 4, "name": "width"}]
    outer = {"id": 1, "type": "0b2a-sub", "properties": {}, "inputs": [], "outputs": []}
    return {
        "nodes": [outer],
        "links": [],
        "extra": extra,
        "definitions": {"subgraphs": [inner]},
    }


def test_an_app_form_shows_the_new_widgets() -> None:
    workflow = as_workflow(one_node())
    workflow["extra"]["linearData"] = {
        "inputs": [
            *([4, "nl_prompt"], [4, "format", {"height": 90}], [4, "tipo_model"], ["4", "tags"]),
            *([4, "seed"], [4, "width"], [9, "nl_prompt"], None, [[], "tags"]),
        ],
        "outputs": [12],
    }
    migrated = migrate_workflow(workflow)
    model = next(n for n in migrated.workflow["nodes"] if n["type"] == "TipoLoadModel")
    assert migrated.workflow["extra"]["linearData"] == {
        "inputs": [
            *([4, "caption"], [4, "template", {"height": 90}], [model["id"], "model"]),
            *(["4", "tags"], [4, "seed"], [9, "nl_prompt"], None, [[], "tags"]),
        ],
        "outputs": [12],
    }
    assert [str(one) for one in migrated.lost] == [
        "app form (#4): its widget width of node 4 is no longer shown"
    ]


def test_an_app_form_shows_widgets_of_subgraphs() -> None:
    inputs = [["1:4", "nl_prompt"], [4, "format"], [1, "4: ban_tags"], [1, "4: width"], [1, "x"]]
    migrated = migrate_workflow(in_subgraph({"linearData": {"inputs": inputs}}))
    assert migrated.workflow["extra"]["linearData"]["inputs"] == [
        *(["1:4", "caption"], [4, "template"], [1, "4: bans"], [1, "x"]),
    ]
    assert "app form" in lost(migrated)


def test_favourites_name_the_new_widgets() -> None:
    favourites = [
        {"nodeLocatorId": "0b2a-sub:4", "widgetName": "nl_prompt"},
        {"nodeLocatorId": "1", "widgetName": "other"},
        {"nodeLocatorId": "0b2a-sub:4", "widgetName": "width"},
    ]
    migrated = migrate_workflow(in_subgraph({"favoritedWidgets": {"favorites": favourites}}))
    assert migrated.workflow["extra"]["favoritedWidgets"]["favorites"] == [
        {"nodeLocatorId": "0b2a-sub:4", "widgetName": "caption"},
        {"nodeLocatorId": "1", "widgetName": "other"},
    ]
    assert "favourites" in lost(migrated)


def test_a_subgraph_lists_the_new_widgets() -> None:
    migrated = migrate_workflow(in_subgraph({}))
    (graph,) = migrated.workflow["definitions"]["subgraphs"]
    assert graph["widgets"] == [{"id": 4, "name": "bans"}]
    assert "width" in lost(migrated)
