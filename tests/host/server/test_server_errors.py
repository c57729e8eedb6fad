"""Errors for missing things name the thing and the remedy."""

from __future__ import annotations

import pytest

from devkit.server.server import Server
from devkit.server.websocket_client import Client, Graph, GraphRejected, RunFailed
from tests.host.conftest import BROKEN_MODEL
from tests.host.graphs import inputs_of, text_only, texts


def test_wrong_model_name_is_refused_by_name(client: Client, graph: Graph) -> None:
    small = text_only(graph)
    inputs_of(small, "TipoLoadModel")["model"] = "no-such-model"
    with pytest.raises(GraphRejected) as caught:
        client.queue(small)
    assert "TipoLoadModel" in str(caught.value)
    assert "no-such-model" in str(caught.value)


def test_missing_weights_name_the_file_and_the_remedy(
    client: Client, server: Server, graph: Graph
) -> None:
    choices = client.object_info()["TipoLoadModel"]["input"]["required"]["model"]
    offered = choices[0] if isinstance(choices[0], list) else choices[1]["options"]
    (name,) = [option for option in offered if BROKEN_MODEL in option]
    broken = text_only(graph)
    inputs_of(broken, "TipoLoadModel")["model"] = name
    with pytest.raises(RunFailed) as caught:
        client.run(broken, timeout=120)
    message = caught.value.error_message
    assert BROKEN_MODEL in message and "safetensors" in message
    assert any(word in message for word in ("put", "download", "copy")), message

    # The server's state has not changed: an existing model still works.
    good = text_only(graph)
    inputs_of(good, "TipoLoadModel")["model"] = "tipo-nano"
    assert texts(good, client.run(good, timeout=120))[0]["prompt"]


def test_wrong_value_is_refused_by_name(client: Client, graph: Graph) -> None:
    """ComfyUI 0.3.75 checks no combo of a V3 node itself; newer ones refuse the graph."""
    small = text_only(graph, tag_length="enormous")
    with pytest.raises((GraphRejected, RunFailed), match="enormous"):
        client.run(small, timeout=120)
