"""Requests of the Load VAE tests to a server."""

from __future__ import annotations

from typing import Any

import pytest

from devkit.server.websocket_client import Client, Graph, GraphRejected, RunFailed
from tests.host.picture_graphs import SECONDS, Builder


def load_graph(name: Any, **inputs: Any) -> tuple[Graph, str]:
    """A graph that loads a VAE and shows its report, and the loader's id."""
    build = Builder()
    node = build.add("TipoLoadVae", vae_name=name, **inputs)
    build.add("PreviewAny", source=[node, 1])
    return build.graph, node


def report_of(client: Client, name: str, **inputs: Any) -> list[str]:
    graph, node = load_graph(name, **inputs)
    report: str = client.run(graph, timeout=SECONDS).outputs[node]["text"][0]
    return report.splitlines()


def problem_of(client: Client, name: str, **inputs: Any) -> str:
    """Return the error of the node or of the check before it for an invalid choice."""
    with pytest.raises((RunFailed, GraphRejected)) as caught:
        client.run(load_graph(name, **inputs)[0], timeout=SECONDS)
    return str(caught.value)


def offered(client: Client) -> list[str]:
    spec = client.object_info()["TipoLoadVae"]["input"]["required"]["vae_name"]
    choices: list[str] = spec[1]["options"]
    return choices
