"""A client of ComfyUI's HTTP API: queue graphs, read results. Standard library only."""

from __future__ import annotations

import json
import mimetypes
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Graph = dict[str, dict[str, Any]]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SECONDS = 60  # timeout of one request


class GraphRejected(Exception):
    """The server refused to queue the graph; the text names each node, input and reason."""


class HttpClient:
    """A client of one server. Its methods raise OSError if the server does not answer."""

    def __init__(self, url: str) -> None:
        """Raise ValueError if `url` is not the address of a server."""
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not the address of a server: write http://127.0.0.1:8188")
        self.url = url.rstrip("/")
        # Without a client id, the server omits the outputs of cached nodes from the history.
        self.client_id = uuid.uuid4().hex
        # Requests to this machine ignore proxies of the environment.
        proxies: dict[str, str] | None = {} if parts.hostname in _LOOPBACK else None
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))

    def system_stats(self) -> dict[str, Any]:
        """Return the server's versions, devices and memory."""
        stats: dict[str, Any] = self._get("/system_stats")
        return stats

    def object_info(self) -> dict[str, Any]:
        """Return the declarations of all nodes of the server, by node type."""
        nodes: dict[str, Any] = self._get("/object_info")
        return nodes

    def history(self, prompt_id: str) -> dict[str, Any]:
        """Return the history entry of a run; empty until the run ends."""
        entry: dict[str, Any] = self._get(f"/history/{prompt_id}").get(prompt_id, {})
        return entry

    def queued(self) -> set[str]:
        """Return the ids of all prompts that run or wait."""
        queue = self._get("/queue")
        # Lists queue_running and queue_pending; an entry is (number, prompt id, graph, ...).
        return {str(entry[1]) for entries in queue.values() for entry in entries}

    def queue(self, graph: Graph, workflow: Mapping[str, Any] | None = None) -> str:
        """Queue a graph in API form and return its prompt id.

        `workflow` is the same graph in UI form, which pictures store so that they restore the
        graph. Raises GraphRejected for an error anywhere in the graph; ComfyUI itself would run the
        outputs without errors and report a success.
        """
        body: dict[str, Any] = {"prompt": graph, "client_id": self.client_id}
        if workflow is not None:
            body["extra_data"] = {"extra_pnginfo": {"workflow": workflow}}
        try:
            answer = self._post("/prompt", body)
        except urllib.error.HTTPError as error:
            if error.code != 400:
                raise
            raise GraphRejected(rejection(json.loads(error.read()))) from error
        prompt_id = str(answer["prompt_id"])
        if answer.get("node_errors"):
            # The server has queued the outputs without errors.
            self.withdraw([prompt_id])
            self.interrupt(prompt_id)
            raise GraphRejected(rejection(answer))
        return prompt_id

    def withdraw(self, prompt_ids: Iterable[str]) -> None:
        """Remove waiting runs from the queue; a run that has begun continues."""
        self._post("/queue", {"delete": list(prompt_ids)})

    def view(self, picture: Mapping[str, str]) -> bytes:
        """Return the file of `picture`, which a node reported: filename, subfolder, type."""
        query = {key: picture.get(key, "") for key in ("filename", "subfolder", "type")}
        with self._open(f"/view?{urllib.parse.urlencode(query)}") as answer:
            content: bytes = answer.read()
        return content

    def free(self) -> None:
        """Ask the server to unload its models and cached results as soon as it is idle."""
        self._post("/free", {"unload_models": True, "free_memory": True})

    def interrupt(self, prompt_id: str | None = None) -> None:
        """Cancel the run that is executing now; with a `prompt_id`, only if it is that one."""
        self._post("/interrupt", {"prompt_id": prompt_id} if prompt_id else {})

    def upload_image(self, path: Path, name: str = "", subfolder: str = "") -> str:
        """Upload a picture to the server's input folder; return its name for LoadImage.

        It is stored as `name` (its own by default) in `subfolder`. The server keeps an equal file
        of that name, and gives another file of that name a number.
        """
        boundary = uuid.uuid4().hex
        name = name or path.name
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        field = f"--{boundary}\r\nContent-Disposition: form-data; name="
        folder = f'{field}"subfolder"\r\n\r\n{subfolder}\r\n' if subfolder else ""
        head = f'{field}"image"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
        body = (folder + head).encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        with self._open("/upload/image", body, kind) as answer:
            stored = json.loads(answer.read())
        return "/".join(part for part in (stored["subfolder"], stored["name"]) if part)

    def _get(self, path: str) -> Any:
        with self._open(path) as answer:
            return json.loads(answer.read())

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        with self._open(path, json.dumps(body).encode(), "application/json") as answer:
            raw = answer.read()
        return json.loads(raw) if raw else None

    def _open(self, path: str, body: bytes | None = None, kind: str = "") -> Any:
        request = urllib.request.Request(f"{self.url}{path}", data=body)
        if body is not None:
            request.add_header("Content-Type", kind)
        return self._opener.open(request, timeout=_SECONDS)


def rejection(body: Mapping[str, Any]) -> str:
    """Return the reasons of a rejected graph, one line for each node and input."""
    lines = []
    for node_id, node in (body.get("node_errors") or {}).items():
        seen = set()
        for reason in node.get("errors", []):
            details = reason.get("details") or ""
            # The server repeats the message of a node's own check for each input of the check.
            cause = details.partition(" - ")[2] or details
            if (reason["message"], cause) in seen:
                continue
            seen.add((reason["message"], cause))
            shown = f" ({details})" if details else ""
            lines.append(f"node {node_id} ({node.get('class_type')}): {reason['message']}{shown}")
    if not lines:
        error = body.get("error") or {}
        details = f" ({error['details']})" if error.get("details") else ""
        lines.append(f"{error.get('message', 'the graph was rejected')}{details}")
    return "\n".join(lines)
