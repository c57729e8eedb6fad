"""Writes the result of a run into the workflow that the pictures of the run store.

The page sends the workflow before the run, so that it holds the result of an earlier one. A picture
would then open with a text that it was not made from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

# The page writes the value of the result's widget as JSON with this key first.
_KEY = "tipo_result"
STORED_BEGIN = f'{{"{_KEY}":'
VERSION = 1
# A longer result is stored only if it is pinned: a workflow has a copy of it.
MOST_CHARACTERS = 250_000


def save_result(node: Any, results: Sequence[dict[str, Any]]) -> None:
    """Store `results` as the shown value of the running node, where the workflow has it.

    A node inside a subgraph that the workflow uses several times has one value for all uses: it is
    left as it is.
    """
    hidden = getattr(node, "hidden", None)
    stored = getattr(hidden, "extra_pnginfo", None)
    workflow = stored.get("workflow") if isinstance(stored, dict) else None
    if not isinstance(workflow, dict):
        return
    found = _find_node(workflow, str(getattr(hidden, "unique_id", "")))
    values = found.get("widgets_values") if found else None
    if not isinstance(values, list):
        return
    for place, value in enumerate(values):
        if isinstance(value, str) and value.startswith(STORED_BEGIN):
            values[place] = _value(results)


def _value(results: Sequence[dict[str, Any]]) -> str:
    value = json.dumps(
        {_KEY: VERSION, "pinned": False, "results": list(results)}, ensure_ascii=False
    )
    return value if len(value) <= MOST_CHARACTERS else json.dumps({_KEY: VERSION})


def _find_node(workflow: dict[str, Any], unique_id: str) -> dict[str, Any] | None:
    """Return the node of an id such as "12", or "3:12" inside the subgraph node 3."""
    graphs = {graph.get("id"): graph for graph in _subgraphs(workflow)}
    graph: dict[str, Any] | None = workflow
    node: dict[str, Any] | None = None
    for part in unique_id.split(":"):
        if graph is None:
            return None
        node = next((one for one in _nodes(graph) if str(one.get("id")) == part), None)
        if node is None:
            return None
        kind = node.get("type")
        graph = graphs.get(kind) if isinstance(kind, str) else None
        if graph is not None and _uses(workflow, kind) > 1:
            return None
    return node


def _subgraphs(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    definitions = workflow.get("definitions")
    found = definitions.get("subgraphs") if isinstance(definitions, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _nodes(graph: dict[str, Any]) -> Iterator[dict[str, Any]]:
    found = graph.get("nodes")
    if isinstance(found, list):
        yield from (one for one in found if isinstance(one, dict))


def _uses(workflow: dict[str, Any], kind: Any) -> int:
    graphs = [workflow, *_subgraphs(workflow)]
    return sum(node.get("type") == kind for graph in graphs for node in _nodes(graph))
