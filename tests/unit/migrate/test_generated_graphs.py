"""Fifty generated graphs of the other packs keep every value, in both forms."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.unit.migrate.flat import flat
from tests.unit.migrate.old_graphs import (
    MODELS,
    TEXTS,
    Graph,
    Made,
    as_prompt,
    as_workflow,
    random_graph,
)
from tipo_core.migrate.api_prompts import migrate_prompt
from tipo_core.migrate.new_nodes import node_types
from tipo_core.migrate.ui_workflows import migrate_workflow
from tipo_core.prompt import Bans

GRAPHS = range(50)
OLD = ("TIPO", "TIPOOperation", "TIPOFormat", "PromptDanTagGen")
Prompt = dict[str, dict[str, Any]]


def value_of(graph: Prompt, value: Any) -> Any:
    """A value, or that of the primitive node which a link leads to."""
    if isinstance(value, list):
        return graph[value[0]]["inputs"]["value"]
    return value


def linked(graph: Prompt, node: dict[str, Any], name: str) -> dict[str, Any]:
    """The node that an input is linked to, by the name of the output."""
    key, slot = node["inputs"][name]
    found = graph[key]
    outputs = node_types()[found["class_type"]].outputs
    return {**found, "output": outputs[slot].name}


def check_model(graph: Prompt, node: dict[str, Any], old: Made) -> None:
    model = linked(graph, node, "model")
    assert (model["class_type"], model["output"]) == ("TipoLoadModel", "model")
    assert model["inputs"]["model"] == MODELS[old.values["tipo_model"]]
    assert model["inputs"]["device"] == ("cpu" if old.values["device"] == "cpu" else "auto")


def check_sampling(graph: Prompt, node: dict[str, Any], old: Made) -> None:
    place = linked(graph, node, "options") if "options" in node["inputs"] else node
    for name in ("temperature", "top_p", "min_p", "top_k"):
        assert value_of(graph, place["inputs"][name]) == old.values[name], name


def check_bans(graph: Prompt, node: dict[str, Any], text: str, old_text: str) -> None:
    if "ban_rules" in node["inputs"]:
        rules = linked(graph, node, "ban_rules")
        syntax, given = rules["inputs"]["syntax"], rules["inputs"]["rules"]
        if isinstance(given, list):
            assert syntax == "z-tipo"
            assert value_of(graph, given) == old_text
            return
        assert syntax == "tipo"
        text = given
    bans = Bans.parse(text)
    for word in filter(None, old_text.split(", ")):
        assert bans.reason(f"a {word} b", []), word
    assert len(bans.rules) == len(list(filter(None, old_text.split(", "))))


def check_ratio(graph: Prompt, node: dict[str, Any], old: Made) -> None:
    ratio = f"aspect ratio: {old.values['width'] / old.values['height']:.1f}"
    given = node["inputs"]["metadata"]
    if isinstance(given, str):
        assert ratio in given.splitlines()
        return
    inputs = linked(graph, node, "metadata")["inputs"]
    size = [value_of(graph, inputs[name]) for name in ("width", "height")]
    assert f"aspect ratio: {size[0] / size[1]:.1f}" == ratio


def check_tipo(graph: Prompt, node: dict[str, Any], old: Made) -> None:
    values, inputs = old.values, node["inputs"]
    assert node["class_type"] == "TipoExpand"
    assert value_of(graph, inputs["tags"]) == values["tags"]
    assert value_of(graph, inputs["caption"]) == values["nl_prompt"]
    assert value_of(graph, inputs["template"]) == values["format"]
    assert value_of(graph, inputs["seed"]) == values["seed"]
    assert inputs["tag_length"] == values["tag_length"]
    is_silent = not values["nl_prompt"] and not {"nl_prompt", "format"} & set(old.links)
    is_silent &= "<|extended|>" not in values["format"]
    is_silent &= "<|generated|>" not in values["format"]
    assert inputs["caption_length"] == ("none" if is_silent else values["nl_length"])
    assert inputs["at_least"] is True
    assert inputs["translation"] == "off"
    check_model(graph, node, old)
    check_sampling(graph, node, old)
    check_bans(graph, node, inputs["bans"], values["ban_tags"])
    check_ratio(graph, node, old)


def check_operation(graph: Prompt, node: dict[str, Any], old: Made) -> None:
    values, inputs = old.values, node["inputs"]
    operation = values["operation"]
    assert node["class_type"] == "TipoTask"
    assert inputs["task"] == ("tags" if operation == "None" else operation)
    is_of_tags = operation == "None" or operation.endswith("to_tag")
    assert inputs["length"] == values["tag_length" if is_of_tags else "nl_length"]
    assert value_of(graph, inputs["tags"]) == values["tags"]
    field, other = ("short", "long") if "short" in operation else ("long", "short")
    assert value_of(graph, inputs[field]) == values["nl_prompt"]
    assert inputs[other] == ""
    assert value_of(graph, inputs["seed"]) == values["seed"]
    check_model(graph, node, old)
    check_sampling(graph, node, old)
    if values["ban_tags"] or "ban_tags" in old.links:
        check_bans(graph, node, "", values["ban_tags"])
    check_ratio(graph, node, old)


def check_dantaggen(graph: Prompt, node: dict[str, Any], old: Made) -> None:
    values, inputs = old.values, node["inputs"]
    names = ("special_tags", "characters", "copyrights", "artist", "general")
    assert inputs["tags"] == ", ".join(values[name] for name in names if values[name])
    assert inputs["tag_length"] == values["target"]
    assert inputs["caption_length"] == "none"
    assert inputs["escape_names"] == values["escape_bracket"]
    assert inputs["template"].endswith(f"absurdres, {values['rating']}")
    assert inputs["bans"] == values["blacklist"]
    options = linked(graph, node, "options")["inputs"]
    assert options["temperature"] == values["temperature"]
    assert (options["top_p"], options["top_k"], options["min_p"]) == (0.95, 100, 0)
    lines = inputs["metadata"].splitlines()
    assert f"rating: {values['rating']}" in lines
    assert ("artist: some artist" in lines) == (values["artist"] == "some_artist")
    check_ratio(graph, node, old)


def expansion_source(graph: Prompt, node: dict[str, Any], name: str, old: Graph) -> str:
    """The id of the node whose result a reader shows, after it was checked what is shown of it."""
    key, slot = node["inputs"]["text"]
    found = graph[key]
    if name == "prompt" and found["class_type"] == "TipoExpand":
        assert slot == 0
        return key
    assert found["class_type"] == "TipoFormat"
    assert slot == 0
    inputs = found["inputs"]
    assert inputs["preset"] == "custom"
    assert inputs["part"] == ("yours" if "user" in name else "whole")
    if name == "unformatted_prompt":
        assert inputs["template"] == "<|user|>, <|added|>\n<|extended|>"
    if name == "unformatted_user_prompt":
        assert inputs["template"] == "<|user|>\n<|caption|>"
    source, output = inputs["expansion"]
    kind = graph[source]["class_type"]
    assert node_types()[kind].outputs[output].name == "expansion"
    if name in ("prompt", "user_prompt"):
        made = old[source]
        if made.kind == "TIPO":
            form = made.values["format"]
        else:
            form = next(
                one.values["format"]
                for one in old.values()
                if one.kind == "TIPOFormat" and one.links["full_output"][0] == source
            )
        assert value_of(graph, inputs["template"]) == form
    return str(source)


def check(old: Graph, graph: Prompt) -> None:
    """Check each old value at its place in the new graph, and each reader."""
    assert not {node["class_type"] for node in graph.values()} & set(OLD)
    for key, made in old.items():
        node = graph[key]
        if made.kind == "TIPO":
            check_tipo(graph, node, made)
        elif made.kind == "TIPOOperation":
            check_operation(graph, node, made)
        elif made.kind == "PromptDanTagGen":
            check_dantaggen(graph, node, made)
        elif made.kind == "CLIPTextEncode":
            origin, slot = made.links["text"]
            kind = old[origin].kind
            if kind == "PromptDanTagGen":
                assert node["inputs"]["text"] == [origin, 0]
                continue
            wanted = old[origin].links["full_output"][0] if kind == "TIPOFormat" else origin
            assert expansion_source(graph, node, TEXTS[slot], old) == wanted


@pytest.mark.parametrize("seed", GRAPHS)
def test_every_value_and_link_is_kept(seed: int) -> None:
    old = random_graph(seed)
    prompt, workflow = as_prompt(old), as_workflow(old)
    before = copy.deepcopy((prompt, workflow))
    by_prompt = migrate_prompt(prompt)
    by_workflow = migrate_workflow(workflow)
    assert (prompt, workflow) == before, "the old graph was changed"
    check(old, by_prompt.workflow)
    shown = flat(by_workflow.workflow)
    check(old, shown)
    # 1) both forms give the same graph, apart from the ids of additional nodes
    assert sorted(node["class_type"] for node in shown.values()) == sorted(
        node["class_type"] for node in by_prompt.workflow.values()
    )
    # 2) all other nodes are as they were
    for key, made in old.items():
        if made.kind in ("KSampler", "PrimitiveInt", "PrimitiveString"):
            assert by_prompt.workflow[key] == prompt[key]
    saved = {node["id"]: node for node in workflow["nodes"]}
    for node in by_workflow.workflow["nodes"]:
        before_node = saved.get(node["id"])
        if before_node is None:
            continue
        for name in ("pos", "mode", "flags", "color", "title"):
            assert node.get(name) == before_node.get(name)
        if before_node["type"] not in OLD:
            changed = {name for name in node if node[name] != before_node[name]}
            assert changed <= {"outputs"}, "only the list of links of an output may change"
    for name in ("groups", "extra", "config", "version", "id"):
        assert by_workflow.workflow[name] == workflow[name]
    controls = {key: made.control for key, made in old.items() if made.kind.startswith("TIPO")}
    for node in by_workflow.workflow["nodes"]:
        if node["type"] in ("TipoExpand", "TipoTask") and str(node["id"]) in controls:
            index = [name for name in ("seed",) if name]
            assert controls[str(node["id"])] in node["widgets_values"], index


@pytest.mark.parametrize("seed", range(10))
def test_a_subgraph_is_converted_like_a_workflow(seed: int) -> None:
    old = random_graph(seed)
    inner = as_workflow(old, subgraph=True)
    inner |= {
        "id": "sub",
        "inputNode": {"id": -10},
        "outputNode": {"id": -20},
        "inputs": [],
        "outputs": [],
    }
    inner["state"] = {
        "lastNodeId": inner.pop("last_node_id"),
        "lastLinkId": inner.pop("last_link_id"),
    }
    outer = {
        "id": 5,
        "type": "sub",
        "pos": [0, 0],
        "size": [1, 1],
        "inputs": [],
        "outputs": [],
        "properties": {},
        "widgets_values": [],
    }
    workflow = {
        "last_node_id": 5,
        "last_link_id": 0,
        "nodes": [outer],
        "links": [],
        "definitions": {"subgraphs": [inner]},
        "version": 0.4,
    }
    migrated = migrate_workflow(workflow).workflow
    graph = migrated["definitions"]["subgraphs"][0]
    state = graph["state"]
    check(
        old,
        flat({**graph, "last_node_id": state["lastNodeId"], "last_link_id": state["lastLinkId"]}),
    )
    assert migrated["nodes"] == [outer]
