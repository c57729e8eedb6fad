"""Graphs and their outcomes in the host tests."""

from __future__ import annotations

from typing import Any

from devkit.server.graph_settings import the_node
from devkit.server.websocket_client import Graph, Outcome

NODE_IDS = (
    "TipoLoadModel",
    "TipoExpand",
    "TipoTask",
    "TipoOptions",
    "TipoBans",
    "TipoMetadata",
    "TipoSplitPrompt",
    "TipoFormat",
    "TipoFields",
    "TipoLoraPrompt",
    "TipoClipSkipEncode",
    "TipoSdxlSize",
    "TipoSampler",
    "TipoSweep",
    "TipoSweepModels",
    "TipoGrid",
    "TipoLoadVae",
    "TipoVaeDecode",
    "TipoVaeEncode",
    "TipoSaveImage",
    "TipoDreamBoothDataset",
    "TipoClassImages",
    "TipoDreamBoothTrain",
    "TipoDreamBoothEvaluate",
    "TipoStandIn",
    "TipoStandInOperation",
    "TipoStandInFormat",
    "TipoStandInDanTagGen",
)
TEXT_NODES = (
    *("TipoExpand", "TipoTask", "TipoBans", "TipoSplitPrompt", "TipoFormat", "TipoFields"),
    *("TipoMetadata", "TipoSweep"),
)


def inputs_of(graph: Graph, class_type: str) -> dict[str, Any]:
    """Return the inputs of the first node of a type, to be changed in place."""
    inputs: dict[str, Any] = graph[the_node(graph, class_type)]["inputs"]
    return inputs


def text_only(graph: Graph, **expand: Any) -> Graph:
    """Return the part of a graph that makes text, ended by a core node that shows it."""
    keep = [the_node(graph, class_type) for class_type in ("TipoLoadModel", "TipoExpand")]
    small: Graph = {node_id: graph[node_id] for node_id in keep}
    small["show"] = {"class_type": "PreviewAny", "inputs": {"source": [keep[1], 0]}}
    inputs_of(small, "TipoExpand").update(expand)
    return small


def ended(graph: Graph) -> Graph:
    """Return a graph whose text nodes all lead to a core node that shows their text.

    Newer cores run a text node for an output's sake alone.
    """
    linked = {
        str(value[0])
        for node in graph.values()
        for value in node["inputs"].values()
        if isinstance(value, list)
    }
    ends = {
        f"end of {node_id}": {"class_type": "PreviewAny", "inputs": {"source": [node_id, 0]}}
        for node_id, node in graph.items()
        if node["class_type"] in TEXT_NODES and node_id not in linked
    }
    return {**graph, **ends}


def texts(graph: Graph, outcome: Outcome) -> list[dict[str, Any]]:
    """Return the results of TipoExpand, one entry per variant."""
    reported: list[dict[str, Any]] = outcome.outputs[the_node(graph, "TipoExpand")]["tipo"]
    return reported
