"""The HTTP client against a server of the test's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from tipo_core.comfy_api.http_client import GraphRejected, HttpClient

ERRORS = {
    "3": {
        "class_type": "CheckpointLoaderSimple",
        "errors": [{"message": "Value not in list", "details": "ckpt_name: 'x' not in ['y']"}],
    }
}
Requests = list[tuple[str, Any]]


@pytest.fixture
def half_valid() -> Iterator[tuple[HttpClient, Requests]]:
    """A server that queues the valid outputs of a graph and names the mistakes in the others."""
    seen: Requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((self.path, body))
            answer = {"prompt_id": "run-1", "number": 1, "node_errors": ERRORS}
            raw = json.dumps(answer if self.path == "/prompt" else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.005,), daemon=True)
    thread.start()
    yield HttpClient(f"http://127.0.0.1:{server.server_port}"), seen
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_graph_that_is_refused_in_part_is_refused(
    half_valid: tuple[HttpClient, Requests],
) -> None:
    client, seen = half_valid
    with pytest.raises(GraphRejected, match=r"node 3 \(Check.*\): Value not in list"):
        client.queue({"3": {"class_type": "CheckpointLoaderSimple", "inputs": {}}})
    # The valid part is not left to run for nobody, and no other run is stopped.
    assert seen[1:] == [("/queue", {"delete": ["run-1"]}), ("/interrupt", {"prompt_id": "run-1"})]
