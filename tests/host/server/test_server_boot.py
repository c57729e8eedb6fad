"""The pack in a real server: every node is there and explains itself."""

from __future__ import annotations

from typing import Any

import pytest

from devkit.server.graph_settings import widget_names
from devkit.server.server import Server
from devkit.server.websocket_client import Client
from tests.host.graphs import NODE_IDS


@pytest.fixture(scope="module")
def object_info(server: Server) -> dict[str, Any]:
    """The declarations of all nodes."""
    with Client(server.url) as client:
        return client.object_info()


def test_the_server_names_its_version(client: Client, server: Server) -> None:
    assert client.system_stats()["system"]["comfyui_version"] == server.host.version


@pytest.mark.parametrize("node_id", NODE_IDS)
def test_node_is_there_and_describes_itself(object_info: dict[str, Any], node_id: str) -> None:
    node = object_info[node_id]
    assert node["category"].split("/")[0] == "TIPO"
    assert len(node["description"]) > 20
    assert node["display_name"] != node_id


@pytest.mark.parametrize("node_id", NODE_IDS)
def test_every_input_has_a_tooltip(object_info: dict[str, Any], node_id: str) -> None:
    groups = object_info[node_id]["input"]
    inputs = {**groups.get("required", {}), **groups.get("optional", {})}
    assert inputs, "a node without inputs needs no tooltips, but none of ours is one"
    without = [name for name, spec in inputs.items() if len(spec) < 2 or not spec[1].get("tooltip")]
    assert without == []


def test_all_nodes_of_the_pack_are_in_the_list(object_info: dict[str, Any]) -> None:
    ours = {
        name
        for name, node in object_info.items()
        if node.get("python_module", "").endswith("custom_nodes.tipo-suite")
    }
    assert ours >= set(NODE_IDS)
    for name in ours:
        widget_names(object_info[name])


def test_nothing_was_logged_as_failed(server: Server) -> None:
    log = server.log.read_text("utf-8", errors="replace")
    assert "IMPORT FAILED" not in log
    assert "Error while calling comfy_entrypoint" not in log
