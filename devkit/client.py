"""A client of ComfyUI's API: queue a graph, follow it on the websocket, interrupt it, read it."""

from __future__ import annotations

import json
import mimetypes
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import websocket

Graph = dict[str, dict[str, Any]]
Message = tuple[str, dict[str, Any]]

# Requests to our own machine never go through a proxy of the environment.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class GraphRejected(Exception):
    """The server refused to queue the graph; the text names each node, input and reason."""


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
    """The connection ended while a run was followed."""


@dataclass
class Outcome:
    """What a finished run left: each node's ui outputs, and how long each node took."""

    prompt_id: str
    outputs: dict[str, dict[str, Any]]
    seconds: dict[str, float] = field(default_factory=dict)
    total_seconds: float = 0.0


class Client:
    """One client id with its websocket; several prompts may be queued and followed in turn."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client_id = uuid.uuid4().hex
        self._socket: websocket.WebSocket | None = None
        self._waiting: defaultdict[str, deque[Message]] = defaultdict(deque)

    def system_stats(self) -> dict[str, Any]:
        """Return the server's versions, devices and memory."""
        stats: dict[str, Any] = self._get("/system_stats")
        return stats

    def object_info(self) -> dict[str, Any]:
        """Return the declaration of every node that the server has."""
        nodes: dict[str, Any] = self._get("/object_info")
        return nodes

    def history(self, prompt_id: str) -> dict[str, Any]:
        """Return the history entry of a run, empty while it has none."""
        entry: dict[str, Any] = self._get(f"/history/{prompt_id}").get(prompt_id, {})
        return entry

    def queue(self, graph: Graph, workflow: Mapping[str, Any] | None = None) -> str:
        """Queue a graph in API form and return its prompt id.

        `workflow` is the same graph in UI form: pictures carry it, so that they restore the graph.
        """
        self._connect()
        body: dict[str, Any] = {"prompt": graph, "client_id": self.client_id}
        if workflow is not None:
            body["extra_data"] = {"extra_pnginfo": {"workflow": workflow}}
        try:
            return str(self._post("/prompt", body)["prompt_id"])
        except urllib.error.HTTPError as error:
            if error.code != 400:
                raise
            raise GraphRejected(_rejection(json.loads(error.read()))) from error

    def free(self) -> None:
        """Let the server unload its models and forget its results, as soon as it is idle."""
        self._post("/free", {"unload_models": True, "free_memory": True})

    def interrupt(self) -> None:
        """Cancel the run that is executing now."""
        self._post("/interrupt", {})

    def messages(self, prompt_id: str, timeout: float | None = None) -> Iterator[Message]:
        """Yield the (type, data) messages about a run as they arrive, until it has ended."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            while self._waiting[prompt_id]:
                kind, data = self._waiting[prompt_id].popleft()
                yield kind, data
                # Sent after the history entry was written: everything can be read now.
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

    def upload_image(self, path: Path) -> str:
        """Put a picture into the server's input folder and return the name that LoadImage takes."""
        boundary = uuid.uuid4().hex
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="image"; '
            f'filename="{path.name}"\r\nContent-Type: {kind}\r\n\r\n'
        )
        body = head.encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        request = urllib.request.Request(f"{self.url}/upload/image", data=body)
        request.add_header("Content-Type", f"multipart/form-data; boundary={boundary}")
        with _opener.open(request, timeout=60) as answer:
            stored = json.loads(answer.read())
        return "/".join(part for part in (stored["subfolder"], stored["name"]) if part)

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
            # Short waits, so that Ctrl-C is seen and a deadline is kept on every system.
            self._socket.settimeout(1.0)

    def _receive(self) -> None:
        """Read one message, if one comes within a second, and file it under its run."""
        assert self._socket is not None, "a run is followed before one was queued"
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

    def _get(self, path: str) -> Any:
        with _opener.open(f"{self.url}{path}", timeout=60) as answer:
            return json.loads(answer.read())

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        request = urllib.request.Request(f"{self.url}{path}", data=json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        with _opener.open(request, timeout=60) as answer:
            raw = answer.read()
        return json.loads(raw) if raw else None


def _rejection(body: Mapping[str, Any]) -> str:
    """Return the server's reasons as lines, one for each node and input."""
    lines = []
    for node_id, node in (body.get("node_errors") or {}).items():
        for reason in node.get("errors", []):
            details = f" ({reason['details']})" if reason.get("details") else ""
            lines.append(f"node {node_id} ({node.get('class_type')}): {reason['message']}{details}")
    if not lines:
        error = body.get("error") or {}
        details = f" ({error['details']})" if error.get("details") else ""
        lines.append(f"{error.get('message', 'the graph was rejected')}{details}")
    return "\n".join(lines)
