"""The errors of a node in the server's answer to a graph that it refuses, as a page gets them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from devkit.server.websocket_client import Client, Graph


def node_errors(client: Client, graph: Graph, node: str) -> list[dict[str, Any]]:
    """Queue a graph that the server must refuse; return the errors of one node."""
    request = urllib.request.Request(
        f"{client.url}/prompt",
        data=json.dumps({"prompt": graph}).encode(),
        headers={"Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            body = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        body = json.loads(error.read())
    errors: list[dict[str, Any]] = body["node_errors"][node]["errors"]
    return errors
