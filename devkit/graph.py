"""Find and set things in a graph: in API form, and the same values in the UI form beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from devkit.client import Graph
from devkit.steps import StepError

READ = "read the graph"
SET = "set an input of the graph"

# Inputs that the page shows as a widget; every other type is a socket.
_WIDGET_TYPES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")


def load_graph(path: Path) -> Graph:
    """Read a graph in API form; a StepError says what to do with any other file."""
    try:
        graph = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise StepError(READ, f"there is no file {path}", "check the path") from error
    except ValueError as error:
        raise StepError(READ, f"{path} is not JSON: {error}", "export it again") from error
    if isinstance(graph, dict) and isinstance(graph.get("nodes"), list):
        raise StepError(
            READ,
            f"{path} is in UI form (it has nodes and links), the API takes another form",
            "open it in ComfyUI and choose Workflow > Export (API), then run that file",
        )
    if not isinstance(graph, dict) or not all(
        isinstance(node, dict) and "class_type" in node for node in graph.values()
    ):
        raise StepError(
            READ,
            f"{path} is not a graph: each entry needs a class_type",
            "export it from ComfyUI with Workflow > Export (API)",
        )
    return graph


def nodes_of_type(graph: Graph, class_type: str) -> list[str]:
    """Return the ids of the nodes of a type, in the graph's order."""
    return [node_id for node_id, node in graph.items() if node["class_type"] == class_type]


def the_node(graph: Graph, class_type: str) -> str:
    """Return the id of the first node of a type; a StepError if the graph has none."""
    found = nodes_of_type(graph, class_type)
    if not found:
        have = ", ".join(sorted({node["class_type"] for node in graph.values()}))
        raise StepError(READ, f"the graph has no {class_type}, it has {have}", "restore the file")
    return found[0]


def title_of(graph: Graph, node_id: str) -> str:
    """Return what a node is called on the page."""
    node = graph.get(node_id, {})
    return str(node.get("_meta", {}).get("title") or node.get("class_type") or node_id)


def apply_settings(graph: Graph, settings: Sequence[str]) -> None:
    """Apply NODE.INPUT=VALUE settings; NODE is an id, or a type that occurs once.

    VALUE is read as JSON where it is JSON (12, 0.5, true, "text"), else taken as text.
    """
    for setting in settings:
        target, equals, raw = setting.partition("=")
        name, dot, input_name = target.rpartition(".")
        if not (equals and dot):
            raise StepError(
                SET, f"{setting!r} is not NODE.INPUT=VALUE", "write it as in: --set 3.steps=12"
            )
        node = graph[_resolve(graph, name)]
        if input_name not in node["inputs"]:
            have = ", ".join(node["inputs"]) or "none"
            raise StepError(
                SET,
                f"node {name} ({node['class_type']}) has no input {input_name!r}",
                f"its inputs are: {have}",
            )
        try:
            node["inputs"][input_name] = json.loads(raw)
        except ValueError:
            node["inputs"][input_name] = raw


def _resolve(graph: Graph, name: str) -> str:
    if name in graph:
        return name
    of_type = nodes_of_type(graph, name)
    if len(of_type) == 1:
        return of_type[0]
    have = ", ".join(f"{node_id} ({node['class_type']})" for node_id, node in graph.items())
    why = f"{len(of_type)} nodes are of type {name}" if of_type else f"there is no node {name!r}"
    raise StepError(SET, why, f"name one of: {have}")


def combo_options(spec: Sequence[Any]) -> list[str]:
    """Return the choices of a combo input, in the old or the new form of /object_info."""
    if isinstance(spec[0], list):
        return [str(option) for option in spec[0]]
    extra = spec[1] if len(spec) > 1 else {}
    return [str(option) for option in extra.get("options", [])]


def input_spec(object_info: Mapping[str, Any], class_type: str, name: str) -> list[Any] | None:
    """Return the declaration of an input, None if the node has no such input."""
    inputs = object_info[class_type]["input"]
    spec = inputs.get("required", {}).get(name) or inputs.get("optional", {}).get(name)
    return None if spec is None else list(spec)


def set_widget(
    workflow: Mapping[str, Any],
    object_info: Mapping[str, Any],
    node_id: str,
    name: str,
    value: Any,
) -> None:
    """Set a widget of a UI-form node, by the order in which the page stores widget values."""
    node = next(node for node in workflow["nodes"] if str(node["id"]) == node_id)
    values = node["widgets_values"]
    if isinstance(values, dict):
        values[name] = value
        return
    values[widget_names(object_info[node["type"]]).index(name)] = value


def widget_names(declaration: Mapping[str, Any]) -> list[str]:
    """Return the names of a node's stored widgets in order, the page's own ones included."""
    names: list[str] = []
    order = declaration.get("input_order") or {}
    for group in ("required", "optional"):
        inputs = declaration["input"].get(group, {})
        for name in order.get(group) or inputs:
            kind, *rest = inputs[name]
            extra = rest[0] if rest and isinstance(rest[0], dict) else {}
            if not isinstance(kind, list) and kind not in _WIDGET_TYPES:
                continue
            if extra.get("forceInput") or extra.get("rawLink"):
                continue
            names.append(name)
            # The page adds a "control after generate" widget behind a seed of a classic node,
            # and behind any input that asks for it.
            is_seed = kind == "INT" and name in ("seed", "noise_seed")
            if extra.get("control_after_generate", is_seed):
                names.append(f"{name}:control_after_generate")
            if extra.get("image_upload"):
                names.append(f"{name}:upload")
    return names
