"""Graphs of the text nodes, and the texts that their outputs hold."""

from __future__ import annotations

from typing import Any

from devkit.server.websocket_client import Graph, Outcome

LIMIT = 120.0
OUTPUTS = {
    "TipoSplitPrompt": ("tags", "caption", "networks", "rest"),
    "TipoExpand": ("prompt", "tags", "caption", "added", "expansion", "proposed"),
    "TipoTask": ("tags", "short", "long", "added", "proposed", "request"),
    "TipoFields": (
        *("tags", "caption", "user", "added", "added_caption", "head"),
        *("special", "characters", "copyrights", "artist", "general", "meta", "quality"),
        *("rating", "proposed"),
    ),
}


def add(graph: Graph, class_type: str, **inputs: Any) -> str:
    """Add a node to the graph and return its id, for links."""
    node_id = f"added-{len(graph)}"
    graph[node_id] = {"class_type": class_type, "inputs": inputs}
    return node_id


def show(graph: Graph, node_id: str) -> dict[str, str]:
    """Show every output of a node that is a text; return the ids of the previews by its name."""
    names = OUTPUTS[graph[node_id]["class_type"]]
    return {
        name: add(graph, "PreviewAny", source=[node_id, slot])
        for slot, name in enumerate(names)
        if name != "expansion"
    }


def shown(outcome: Outcome, previews: dict[str, str]) -> dict[str, list[str]]:
    """Return the texts of the previews of `show`, one per variant."""
    return {name: outcome.outputs[node_id]["text"] for name, node_id in previews.items()}


def with_model() -> tuple[Graph, list[Any]]:
    """Return a graph of the language model alone, and the link to it."""
    graph: Graph = {}
    loader = add(graph, "TipoLoadModel", model="tipo-nano", device="auto", precision="auto")
    return graph, [loader, 0]


def task_inputs(**changes: Any) -> dict[str, Any]:
    texts = {"tags": "", "short": "", "long": ""}
    return {"task": "tags", "length": "very_short", **texts, "seed": 5, **changes}
