"""Old layouts, links that cannot be kept, subgraphs' own inputs, nodes that cannot be read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.migrate.flat import flat
from tests.unit.migrate.old_graphs import (
    TIPO_ORDER,
    Graph,
    Made,
    as_prompt,
    as_workflow,
    random_graph,
)
from tipo_core.migrate.api_prompts import migrate_prompt
from tipo_core.migrate.migrated import Migrated
from tipo_core.migrate.ui_workflows import migrate_workflow

VALUES: dict[str, Any] = {
    "tags": "1girl",
    "nl_prompt": "",
    "ban_tags": "hat",
    "tipo_model": "KBlueLeaf/TIPO-100M",
    "format": "<|general|>\n<|extended|>",
    "width": 1024,
    "height": 512,
    "temperature": 0.5,
    "top_p": 0.95,
    "min_p": 0.05,
    "top_k": 80,
    "tag_length": "short",
    "nl_length": "very_long",
    "seed": 5,
    "device": "cpu",
}


def one_node(**others: Any) -> Graph:
    return {"4": Made("TIPO", {**VALUES, **others}, control="randomize")}


def saved(values: list[Any]) -> dict[str, Any]:
    workflow = as_workflow(one_node())
    workflow["nodes"][0]["widgets_values"] = values
    return workflow


def expand_of(migrated: Migrated) -> dict[str, Any]:
    (node,) = [n for n in flat(migrated.workflow).values() if n["class_type"] == "TipoExpand"]
    inputs: dict[str, Any] = node["inputs"]
    return inputs


def lost(migrated: Migrated) -> str:
    return "\n".join(str(one) for one in migrated.lost)


@pytest.mark.parametrize(
    "absent",
    [
        (),
        ("device",),
        ("device", "nl_length"),
        ("device", "nl_length", "tipo_model", "top_p", "min_p", "top_k"),
    ],
)
@pytest.mark.parametrize("control", [["increment"], []])
def test_the_orders_of_all_versions_are_read(absent: tuple[str, ...], control: list[str]) -> None:
    values: list[Any] = []
    for name in TIPO_ORDER:
        if name not in absent:
            values += [VALUES[name], *(control if name == "seed" else [])]
    migrated = migrate_workflow(saved(values))
    inputs = expand_of(migrated)
    assert inputs["tags"] == "1girl"
    assert inputs["bans"] == "*hat*"
    assert inputs["template"] == VALUES["format"]
    assert inputs["metadata"] == "aspect ratio: 2.0"
    assert inputs["tag_length"] == "short"
    assert inputs["caption_length"] == ("long" if "nl_length" in absent else "very_long")
    assert inputs["seed"] == 5
    assert not migrated.lost
    main = next(n for n in migrated.workflow["nodes"] if n["type"] == "TipoExpand")
    assert main["widgets_values"][5] == (control or ["fixed"])[0]


def test_values_saved_by_name_are_read() -> None:
    workflow = as_workflow(one_node())
    workflow["nodes"][0]["widgets_values"] = {**VALUES, "control_after_generate": "increment"}
    migrated = migrate_workflow(workflow)
    assert expand_of(migrated)["tag_length"] == "short"
    assert "increment" in migrated.workflow["nodes"][0]["widgets_values"]


@pytest.mark.parametrize("values", [[], ["1girl"], [7] * 16, None, "text"])
def test_a_node_with_other_values_stays_and_is_named(values: Any) -> None:
    workflow = saved(values)
    migrated = migrate_workflow(workflow)
    assert migrated.workflow == workflow
    assert "TIPO (#4): it stays as it is" in lost(migrated)


@pytest.mark.parametrize("seed", [-1, 2**64 + 3])
def test_a_seed_out_of_range_is_named(seed: int) -> None:
    migrated = migrate_prompt(as_prompt(one_node(seed=seed)))
    assert migrated.workflow["4"]["inputs"]["seed"] == seed % 2**64
    assert f"the seed {seed} is out of range" in lost(migrated)


def test_the_seed_0_is_new_in_each_run_as_before() -> None:
    migrated = migrate_workflow(as_workflow({"4": Made("TIPO", {**VALUES, "seed": 0})}))
    assert migrated.workflow["nodes"][0]["widgets_values"][4:6] == [0, "randomize"]
    assert not migrated.lost
    assert "seed 0" in lost(migrate_prompt(as_prompt(one_node(seed=0))))


def test_values_beyond_every_range_are_named() -> None:
    migrated = migrate_prompt(as_prompt(one_node(temperature=50.0, top_k=10**6, top_p=1.5)))
    options = next(
        node["inputs"] for node in migrated.workflow.values() if node["class_type"] == "TipoOptions"
    )
    assert (options["temperature"], options["top_k"], options["top_p"]) == (10.0, 100_000, 1.0)
    assert "temperature 50.0" in lost(migrated)
    assert "top_k 1000000" in lost(migrated)


def test_unknown_fields_of_a_template_are_named() -> None:
    form = "<|tag|>, <|nonsense|>\n<|extended|>"
    migrated = migrate_prompt(as_prompt(one_node(format=form)))
    assert migrated.workflow["4"]["inputs"]["template"] == "<|user|>, <|added|>, \n<|extended|>"
    assert "<|nonsense|>" in lost(migrated)


def test_a_second_caption_beside_the_users_is_named() -> None:
    form = "<|extended|>\n<|generated|>"
    assert "second caption" in lost(
        migrate_prompt(as_prompt(one_node(format=form, nl_prompt="A cat.")))
    )
    assert "not two" in lost(migrate_prompt(as_prompt(one_node(format=form))))


@pytest.mark.parametrize(
    ("named", "model", "is_lost"),
    [
        ("KBlueLeaf/TIPO-200M-ft | TIPO-200M-ft-F16.gguf", "TIPO-200M-ft", False),
        (
            "KBlueLeaf/TIPO-200M-ft | TIPO-200M-ft-Q8_0.gguf",
            "TIPO-200M-ft_TIPO-200M-ft-Q8_0.gguf",
            0,
        ),
        ("someone/other", "other", True),
    ],
)
def test_the_model_has_the_name_of_its_file(named: str, model: str, is_lost: bool) -> None:
    migrated = migrate_prompt(as_prompt(one_node(tipo_model=named)))
    found = [n for n in migrated.workflow.values() if n["class_type"] == "TipoLoadModel"]
    assert found[0]["inputs"]["model"] == model
    assert bool(migrated.lost) == bool(is_lost)


@pytest.mark.parametrize("operation", ["tag_to_short", "tag_to_long_to_short", "nonsense"])
def test_an_untrained_operation_is_named(operation: str) -> None:
    values = {name: value for name, value in VALUES.items() if name != "format"}
    graph = {"4": Made("TIPOOperation", {**values, "operation": operation})}
    migrated = migrate_prompt(as_prompt(graph))
    task = migrated.workflow["4"]["inputs"]["task"]
    assert task == ("tags" if operation == "nonsense" else "tag_to_short_to_long")
    assert operation in lost(migrated)


def test_a_middle_field_that_is_no_longer_continued_is_named() -> None:
    values = {name: value for name, value in VALUES.items() if name != "format"}
    for tags, is_lost in (("1girl", True), ("", False)):
        given = {**values, "operation": "short_to_tag_to_long", "tags": tags}
        migrated = migrate_prompt(as_prompt({"4": Made("TIPOOperation", given)}))
        assert ("goes on with tags" in lost(migrated)) == is_lost


def primitive(value: Any, widget: str) -> dict[str, Any]:
    """The page's own node, whose value the page writes into each input that it is linked to."""
    output = {"name": "x", "type": "COMBO", "links": [1], "widget": {"name": widget}}
    return {
        "id": 9,
        "type": "PrimitiveNode",
        "pos": [-400, 0],
        "size": [200, 80],
        "inputs": [],
        "outputs": [output],
        "widgets_values": [value, "fixed"],
        "properties": {},
    }


def with_linked(name: str, origin: dict[str, Any]) -> dict[str, Any]:
    workflow = as_workflow(one_node())
    workflow["nodes"].append(origin)
    workflow["last_node_id"] = 9
    workflow["links"] = [[1, 9, 0, 4, 0, "COMBO"]]
    workflow["last_link_id"] = 1
    workflow["nodes"][0]["inputs"] = [
        {"name": name, "type": "COMBO", "link": 1, "widget": {"name": name}}
    ]
    return workflow


def test_the_value_of_a_primitive_node_takes_the_place_of_a_link() -> None:
    model = "KBlueLeaf/TIPO-500M | TIPO-500M_epoch5-F16.gguf"
    workflow = with_linked("tipo_model", primitive(model, "tipo_model"))
    migrated = migrate_workflow(workflow)
    nodes = {node["type"]: node for node in migrated.workflow["nodes"]}
    assert nodes["TipoLoadModel"]["widgets_values"][0] == "TIPO-500M"
    assert nodes["PrimitiveNode"]["outputs"][0]["links"] == []
    assert migrated.workflow["links"][0][1] == nodes["TipoLoadModel"]["id"]
    assert not migrated.lost


def test_another_link_to_the_model_is_removed_and_named() -> None:
    other = {**primitive(None, "tipo_model"), "type": "SomeModelChooser", "widgets_values": []}
    migrated = migrate_workflow(with_linked("tipo_model", other))
    nodes = {node["type"]: node for node in migrated.workflow["nodes"]}
    assert nodes["TipoLoadModel"]["widgets_values"][0] == "TIPO-100M"
    assert nodes["SomeModelChooser"]["outputs"][0]["links"] == []
    assert "the link to tipo_model is removed" in lost(migrated)


def test_a_link_that_two_new_nodes_read_is_copied() -> None:
    text = {**primitive("x", "format"), "type": "Text", "widgets_values": ["x"]}
    workflow = with_linked("format", text)
    workflow["nodes"].append(
        {
            "id": 7,
            "type": "CLIPTextEncode",
            "pos": [0, 0],
            "size": [1, 1],
            "outputs": [],
            "inputs": [{"name": "text", "type": "STRING", "link": 2}],
            "widgets_values": [""],
        }
    )
    workflow["links"].append([2, 4, 1, 7, 0, "STRING"])
    workflow["nodes"][0]["outputs"][1]["links"] = [2]
    migrated = migrate_workflow(workflow).workflow
    readers = [
        (node["type"], socket["name"])
        for node in migrated["nodes"]
        for socket in node["inputs"]
        if socket["link"] in migrated["nodes"][1]["outputs"][0]["links"]
    ]
    assert sorted(readers) == [("TipoExpand", "template"), ("TipoFormat", "template")]


def test_a_node_of_another_pack_with_the_same_name_stays() -> None:
    workflow = as_workflow(one_node())
    workflow["nodes"][0]["outputs"] = [{"name": "IMAGE", "type": "IMAGE", "links": None}]
    assert migrate_workflow(workflow).workflow == workflow
    prompt = {"1": {"class_type": "TIPO", "inputs": {"image": ["2", 0]}}}
    assert migrate_prompt(prompt).workflow == prompt


def test_inputs_of_a_subgraph_and_widgets_that_its_node_shows() -> None:
    inner = as_workflow(one_node(), subgraph=True)
    inner |= {
        "id": "sub",
        "inputNode": {"id": -10},
        "outputNode": {"id": -20},
        "inputs": [
            {"name": "nl_prompt", "type": "STRING", "linkIds": [1]},
            {"name": "device", "type": "COMBO", "linkIds": [2]},
        ],
        "outputs": [{"name": "prompt", "type": "STRING", "linkIds": [3]}],
        "state": {"lastNodeId": 4, "lastLinkId": 3},
    }
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    rows = [(1, -10, 0, 4, 0, "STRING"), (2, -10, 1, 4, 1, "COMBO"), (3, 4, 1, -20, 0, "STRING")]
    inner["links"] = [dict(zip(names, row, strict=True)) for row in rows]
    node = inner["nodes"][0]
    node["inputs"] = [
        {"name": "nl_prompt", "type": "STRING", "link": 1, "widget": {"name": "nl_prompt"}},
        {"name": "device", "type": "COMBO", "link": 2, "widget": {"name": "device"}},
    ]
    node["outputs"][1]["links"] = [3]
    outer = {
        "id": 1,
        "type": "sub",
        "properties": {"proxyWidgets": [["4", "ban_tags"], ["4", "width"], ["8", "other"]]},
        "inputs": [],
        "outputs": [],
    }
    workflow = {
        "nodes": [outer],
        "links": [],
        "last_node_id": 20,
        "last_link_id": 30,
        "definitions": {"subgraphs": [inner]},
    }
    migrated = migrate_workflow(workflow)
    graph = migrated.workflow["definitions"]["subgraphs"][0]
    links = {link["id"]: link for link in graph["links"]}
    nodes = {one["id"]: one for one in graph["nodes"]}
    assert graph["inputs"][0]["linkIds"] == [1]
    assert nodes[4]["inputs"][links[1]["target_slot"]]["name"] == "caption"
    assert graph["inputs"][1]["linkIds"] == []
    assert 2 not in links
    source = nodes[links[3]["origin_id"]]
    assert (source["type"], links[3]["target_id"]) == ("TipoFormat", -20)
    assert graph["outputs"][0]["linkIds"] == [3]
    assert min(set(nodes) - {4}) > 20, "an id of the workflow is used again"
    assert min(set(links) - {1, 3}) > 30
    shown = migrated.workflow["nodes"][0]["properties"]["proxyWidgets"]
    assert shown == [["4", "bans"], ["8", "other"]]
    assert "width" in lost(migrated)
    assert "the link to device is removed" in lost(migrated)


def test_a_group_node_in_use_is_named() -> None:
    workflow = as_workflow(one_node())
    workflow["extra"]["groupNodes"] = {"mine": {"nodes": [{"type": "TIPO"}]}}
    assert not migrate_workflow(workflow).lost
    workflow["nodes"].append({"id": 8, "type": "workflow>mine", "inputs": [], "outputs": []})
    assert "group node" in lost(migrate_workflow(workflow))


def test_a_workflow_without_old_nodes_is_the_same() -> None:
    graph = {key: made for key, made in random_graph(1).items() if made.kind == "KSampler"}
    assert migrate_workflow(as_workflow(graph)).workflow == as_workflow(graph)
    assert migrate_prompt(as_prompt(graph)).workflow == as_prompt(graph)
