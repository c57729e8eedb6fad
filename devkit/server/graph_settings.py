"""Read a graph and set its inputs, in API form and in UI form; errors are StepErrors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devkit.messages import StepError
from tipo_core.comfy_api import api_graph as comfy_graph
from tipo_core.comfy_api.api_graph import combo_options, input_spec, nodes_of_type, title_of
from tipo_core.comfy_api.http_client import Graph

__all__ = ("combo_options", "input_spec", "nodes_of_type", "title_of")

READ = "read the graph"
SET = "set an input of the graph"

# Types that the page shows as widgets; all others are sockets.
_WIDGET_TYPES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")


@contextmanager
def _as_step(name: str) -> Iterator[None]:
    try:
        yield
    except comfy_graph.GraphError as error:
        raise StepError(name, error.why, error.remedy) from error


def load_graph(path: Path) -> Graph:
    """Read a graph in API form; StepError with the remedy for any other file."""
    with _as_step(READ):
        return comfy_graph.load_graph(path)


def the_node(graph: Graph, class_type: str) -> str:
    """Return the id of the first node of a type; StepError if the graph has none."""
    found = nodes_of_type(graph, class_type)
    if not found:
        have = ", ".join(sorted({node["class_type"] for node in graph.values()}))
        raise StepError(READ, f"the graph has no {class_type}, it has {have}", "restore the file")
    return found[0]


def apply_settings(graph: Graph, settings: Sequence[str]) -> None:
    """Apply NODE.INPUT=VALUE settings as `comfy_graph.apply_settings` does; raises StepError."""
    with _as_step(SET):
        comfy_graph.apply_settings(graph, settings)


def set_widget(
    workflow: Mapping[str, Any],
    object_info: Mapping[str, Any],
    node_id: str,
    name: str,
    value: Any,
) -> None:
    """Set a widget of a UI-form node; the page stores widget values by position."""
    node = next(node for node in workflow["nodes"] if str(node["id"]) == node_id)
    values = node["widgets_values"]
    if isinstance(values, dict):
        values[name] = value
        return
    values[widget_names(object_info[node["type"]]).index(name)] = value


def widget_names(declaration: Mapping[str, Any]) -> list[str]:
    """Return the names of a node's stored widgets in order, with the page's own widgets."""
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
            # The page adds a "control after generate" widget after a seed of a classic node, and
            # after any input that requests the widget.
            is_seed = kind == "INT" and name in ("seed", "noise_seed")
            if extra.get("control_after_generate", is_seed):
                names.append(f"{name}:control_after_generate")
            if extra.get("image_upload"):
                names.append(f"{name}:upload")
    return names
