"""Queues a graph with a pinned result where the file of its language model is missing.

ComfyUI checks all nodes that lead to an output before a run, and Load TIPO Model refuses a file
that does not exist. A pinned TIPO Expand runs no model: its link to one is taken out of the graph
when that is queued.
"""

from __future__ import annotations

import sys
from typing import Any

_NODE = "TipoExpand"


def is_pinned(pinned: Any) -> bool:
    """Return whether the value of the input `pinned` is a stored result."""
    return isinstance(pinned, str) and bool(pinned.strip())


def without_unused_models(json_data: Any) -> Any:
    """Return the body of a request to queue a graph, without the models of pinned results."""
    prompt = json_data.get("prompt") if isinstance(json_data, dict) else None
    for node in prompt.values() if isinstance(prompt, dict) else ():
        inputs = node.get("inputs") if isinstance(node, dict) else None
        if not isinstance(inputs, dict) or node.get("class_type") != _NODE:
            continue
        if is_pinned(inputs.get("pinned")):
            inputs["model"] = None
    return json_data


def prepare_queued_graphs() -> None:
    """Let ComfyUI's server call `without_unused_models` for each graph that is queued."""
    server = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
    if hasattr(server, "add_on_prompt_handler"):
        server.add_on_prompt_handler(without_unused_models)
