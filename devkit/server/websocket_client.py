"""A client that queues graphs over HTTP and follows their runs on the websocket."""

from __future__ import annotations

import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import websocket

from tipo_core.comfy_api.http_client import Graph, GraphRejected, HttpClient

__all__ = ("Client", "Graph", "GraphRejected", "Outcome", "RunFailed", "RunInterrupted")

Message = tuple[str, dict[str, Any]]


class RunFailed(Exception):
    """A node raised: its id and type, the exception's type and message, the traceback's lines."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        self.node_id = str(error.get("node_id"))
        self.node_type = str(error.get("node_type"))
        self.error_type = str(error.get("exception_type"))
        self.error_message = str(error.get("exception_message", "")).strip()
        self.trace = "".join(error.get("traceback") or [])
        super().__init__(f"node {self.node_id} ({self.node_type}): {self.error_message}")


class RunInterrupted(Exception):
    """The run was cancelled while the node with this id was running."""

    def __init__(self, node_id: str) -> None:
        super().__init__(f"cancelled in node {node_id}")
        self.node_id = node_id


class ServerGone(Exception):
    """The connection ended during a run."""


@dataclass
class Outcome:
    """A finished run: the ui outputs of each node, and its seconds."""

    prompt_id: str
    outputs: dict[str, dict[str, Any]]
    seconds: dict[str, float] = field(default_factory=dict)
    total_seconds: float = 0.0


class Client(HttpClient):
    """One client id with its websocket; several queued runs may be followed one after the other."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._socket: websocket.WebSocket | None = None
        self._waiting: defaultdict[str, deque[Message]] = defaultdict(deque)

    def queue(self, graph: Graph, workflow: Mapping[str, Any] | None = None) -> str:
        """Connect the websocket, so that no message is missed, and queue a graph."""
        self._connect()
        return super().queue(graph, workflow)

    def messages(self, prompt_id: str, timeout: float | None = None) -> Iterator[Message]:
        """Yield the (type, data) messages of a run as they arrive, until its end."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            while self._waiting[prompt_id]:
                kind, data = self._waiting[prompt_id].popleft()
                yield kind, data
                # The server sends this message after the history entry is written.
                if kind == "executing" and data.get("node") is None:
                    del self._waiting[prompt_id]
                    return
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"run {prompt_id} did not end within {timeout:.0f} s")
            self._receive()

    def follow(
        self,
        prompt_id: str,
        on_message: Callable[[str, dict[str, Any]], None] | None = None,
        timeout: float | None = None,
    ) -> Outcome:
        """Wait for a queued run and return its outcome; raise RunFailed or RunInterrupted."""
        started = node_started = time.monotonic()
        node: str | None = None
        seconds: dict[str, float] = {}
        problem: Exception | None = None
        for kind, data in self.messages(prompt_id, timeout):
            if on_message is not None:
                on_message(kind, data)
            if kind == "execution_start":
                started = node_started = time.monotonic()
            elif kind == "executing":
                now = time.monotonic()
                if node is not None:
                    seconds[node] = seconds.get(node, 0.0) + now - node_started
                node, node_started = data.get("node"), now
            elif kind == "execution_error":
                problem = RunFailed(data)
            elif kind == "execution_interrupted":
                problem = RunInterrupted(str(data.get("node_id")))
        if problem is not None:
            raise problem
        outputs = self.history(prompt_id).get("outputs", {})
        return Outcome(prompt_id, outputs, seconds, time.monotonic() - started)

    def run(
        self,
        graph: Graph,
        workflow: Mapping[str, Any] | None = None,
        on_message: Callable[[str, dict[str, Any]], None] | None = None,
        timeout: float | None = None,
    ) -> Outcome:
        """Queue a graph and wait for its outcome."""
        return self.follow(self.queue(graph, workflow), on_message, timeout)

    def close(self) -> None:
        """Close the websocket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _connect(self) -> None:
        if self._socket is None:
            address = f"{self.url.replace('http', 'ws', 1)}/ws?clientId={self.client_id}"
            self._socket = websocket.create_connection(address, timeout=30)
            # Short waits, so that Ctrl-C and deadlines work on every system.
            self._socket.settimeout(1.0)

    def _receive(self) -> None:
        """Receive one message, if one arrives within a second, and store it under its run."""
        assert self._socket is not None, "queue a graph before following its run"
        try:
            raw = self._socket.recv()
        except websocket.WebSocketTimeoutException:
            return
        except (websocket.WebSocketException, ConnectionError) as error:
            raise ServerGone(f"the server closed the connection ({error})") from error
        # Binary messages are previews.
        if isinstance(raw, str) and raw:
            message = json.loads(raw)
            data = message.get("data") or {}
            if "prompt_id" in data:
                self._waiting[data["prompt_id"]].append((message["type"], data))
