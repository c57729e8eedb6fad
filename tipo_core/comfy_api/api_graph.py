"""Read, edit and check a graph in API form."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .http_client import Graph


class GraphError(ValueError):
    """An error in a graph or a setting: the reason `why`, and the `remedy`."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(f"{why}: {remedy}")
        self.why = why
        self.remedy = remedy


def load_graph(path: Path) -> Graph:
    """Return the graph in a file. Raises GraphError for a file that is not in API form."""
    try:
        graph = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise GraphError(f"there is no file {path}", "check the path") from error
    except ValueError as error:
        raise GraphError(f"{path} is not JSON: {error}", "export it again") from error
    if isinstance(graph, dict) and isinstance(graph.get("nodes"), list):
        raise GraphError(
            f"{path} is in UI form (it has nodes and links), not in API form",
            "open it in ComfyUI and choose File > Export (API), then run that file",
        )
    if not isinstance(graph, dict) or not all(
        isinstance(node, dict) and "class_type" in node for node in graph.values()
    ):
        raise GraphError(
            f"{path} is not a graph: each entry needs a class_type",
            "export it from ComfyUI with File > Export (API)",
        )
    return graph


def nodes_of_type(graph: Graph, class_type: str) -> list[str]:
    """Return the ids of the nodes of a type, in the graph's order."""
    return [node_id for node_id, node in graph.items() if node["class_type"] == class_type]


def title_of(graph: Graph, node_id: str) -> str:
    """Return the title of a node: its own, else its type, else its id."""
    node = graph.get(node_id, {})
    return str(node.get("_meta", {}).get("title") or node.get("class_type") or node_id)


def apply_settings(graph: Graph, settings: Sequence[str]) -> None:
    """Apply NODE.INPUT=VALUE settings; NODE is an id, or a title or type that occurs once.

    The value of an input that holds a text is a text. Any other one is read as JSON (12, 0.5,
    true), or as text if it is none. Raises GraphError.
    """
    for setting in settings:
        target, equals, raw = setting.partition("=")
        name, dot, input_name = target.rpartition(".")
        if not (equals and dot):
            raise GraphError(
                f"{setting!r} is not NODE.INPUT=VALUE", "write it as in: --set 3.steps=12"
            )
        node = graph[resolve(graph, name)]
        if input_name not in node["inputs"]:
            have = ", ".join(node["inputs"]) or "none"
            raise GraphError(
                f"node {name} ({node['class_type']}) has no input {input_name!r}",
                f"its inputs are: {have}",
            )
        value: Any = raw
        if not isinstance(node["inputs"][input_name], str):
            with contextlib.suppress(ValueError):
                value = json.loads(raw)
        node["inputs"][input_name] = value


def resolve(graph: Graph, name: str) -> str:
    """Return the id of the node that an id, a type or a title names. Raises GraphError."""
    if name in graph:
        return name
    of_type = nodes_of_type(graph, name)
    found = of_type or [node_id for node_id in graph if title_of(graph, node_id) == name]
    if len(found) == 1:
        return found[0]
    have = ", ".join(f"{node_id} ({node['class_type']})" for node_id, node in graph.items())
    kind = "of type" if of_type else "called"
    why = f"{len(found)} nodes are {kind} {name}" if found else f"there is no node {name!r}"
    raise GraphError(why, f"name one of: {have}")


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


def check_server_has(graph: Graph, object_info: Mapping[str, Any]) -> None:
    """Raise GraphError for a node that the server lacks, or a choice that it does not offer.

    The server reports all other errors when the graph is queued.
    """
    missing = sorted({node["class_type"] for node in graph.values()} - set(object_info))
    if missing:
        raise GraphError(
            f"the server has no node {', '.join(missing)}",
            "install the pack that has it into the server's custom_nodes and restart the server "
            "(TipoExpand and the like are TIPO Suite's)",
        )
    for node_id, node in graph.items():
        class_type = node["class_type"]
        for name, value in node["inputs"].items():
            spec = input_spec(object_info, class_type, name)
            if spec is None or not isinstance(value, str):
                continue
            # Nodes of the V3 API and nodes with an upload button accept values that their menu
            # lacks, and check these themselves.
            extra = spec[1] if len(spec) > 1 and isinstance(spec[1], dict) else {}
            if not isinstance(spec[0], list) or any(key.endswith("_upload") for key in extra):
                continue
            options = combo_options(spec)
            if options and value not in options:
                raise GraphError(
                    f"node {node_id} ({class_type}): {name} has no choice {value!r} on the server",
                    f"choose one of {', '.join(options)}",
                )
