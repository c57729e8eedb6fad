"""The fake server and the declarations of its nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.fake_server import FakeServer


@pytest.fixture
def fake(object_info: dict[str, Any]) -> Iterator[FakeServer]:
    """The server."""
    server = FakeServer(object_info)
    yield server
    server.stop()


@pytest.fixture
def object_info() -> dict[str, Any]:
    """Declarations of the nodes of the pack's graph; the checkpoint is the only choice."""
    from tipo_core.evaluate.protocol.workflow import published_workflow

    nodes: dict[str, Any] = {
        node["class_type"]: {"input": {}} for node in published_workflow("tags").values()
    }
    nodes["CheckpointLoaderSimple"] = {
        "input": {"required": {"ckpt_name": [["one.safetensors", "two.safetensors"], {}]}}
    }
    return nodes
