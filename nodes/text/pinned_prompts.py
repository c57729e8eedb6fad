"""Queues a graph with a pinned result where the file of its language model is missing.

ComfyUI checks all nodes that lead to an output before a run, and Load TIPO Model refuses a file
that does not exist. A pinned TIPO Expand runs no model: its link to one is taken out of the graph
when that is queued.
"""

from __future__ import annotations

import json
from typing import Any

from ..prompt_server import prompt_server
from .saved_result import STORED_BEGIN

_NODE = "TipoExpand"


def pinned_json(value: Any) -> str:
    """Return the JSON of the results that the input `pinned` holds, "" if nothing is pinned.

    A workflow stores the value of the page, which has the shown results whether they are pinned or
    not; the page sends the pinned ones alone.
    """
    if not isinstance(value, str) or not value.strip():
        return ""
    if not value.startswith(STORED_BEGIN):
        return value
    try:
        stored = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return json.dumps(stored.get("results") or []) if stored.get("pinned") is True else ""


def without_unused_models(json_data: Any) -> Any:
    """Return the body of a request to queue a graph, without the models of pinned results."""
    prompt = json_data.get("prompt") if isinstance(json_data, dict) else None
    for node in prompt.values() if isinstance(prompt, dict) else ():
        inputs = node.get("inputs") if isinstance(node, dict) else None
        if not isinstance(inputs, dict) or node.get("class_type") != _NODE:
            continue
        if pinned_json(inputs.get("pinned")):
            inputs["model"] = None
    return json_data


def prepare_queued_graphs() -> None:
    """Let ComfyUI's server call `without_unused_models` for each graph that is queued."""
    server = prompt_server()
    if server is not None and hasattr(server, "add_on_prompt_handler"):
        server.add_on_prompt_handler(without_unused_models)
