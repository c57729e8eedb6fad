"""The messages with the text so far: at most ten a second, nothing without a listener."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from devkit.bench.rows.streaming import listening_server, result_stream
from devkit.setup.layout import Layout
from tipo_core.expansion.shown.draft import Draft
from tipo_core.expansion.tasks import Field

NODE = SimpleNamespace(hidden=SimpleNamespace(unique_id="7"))


@pytest.fixture(scope="module")
def stream(repository: Path) -> ModuleType:
    """The node's module, which needs nothing of ComfyUI."""
    return result_stream(Layout(repository))


@pytest.fixture
def sent() -> list[dict[str, Any]]:
    """The values of the messages to the page."""
    return []


@pytest.fixture
def server(sent: list[dict[str, Any]]) -> SimpleNamespace:
    """A server with the client `page`, which encodes messages as JSON."""

    def send_sync(kind: str, values: dict[str, Any], client: str) -> None:
        assert (kind, client) == ("tipo.draft", "page")
        sent.append(json.loads(json.dumps(values)))

    return listening_server(send_sync)


def test_at_most_ten_messages_a_second(
    stream: ModuleType, server: SimpleNamespace, sent: list[dict[str, Any]]
) -> None:
    now = 5.0
    send = stream.draft_sender(NODE, server, lambda: now)
    draft = Draft(("1girl", "x" * 5000))
    draft.accept(Field.TAG, " hat")
    for step in range(1000):
        now = 5.0 + step / 1000
        draft.write(Field.TAG, f" coat {step}")
        send([draft])
    assert len(sent) == 10
    first, second = sent[:2]
    assert first["typed"] == [["1girl", "\u2026" + "x" * 4000]] and "typed" not in second
    assert (first["node"], first["prompt_id"], first["version"]) == ("7", "p", 1)
    (written,) = second["drafts"]
    assert written["tags"].startswith("hat, coat 10") and written["caption"] == ""


@pytest.mark.parametrize("change", ["no client", "closed", "no server", "no node"])
def test_nothing_is_made_where_nobody_listens(
    change: str, stream: ModuleType, server: SimpleNamespace
) -> None:
    if change == "no client":
        server.client_id = None
    if change == "closed":
        server.sockets = {}
    node = SimpleNamespace(hidden=None) if change == "no node" else NODE
    assert stream.draft_sender(node, None if change == "no server" else server) is None
