"""A server that speaks as much of ComfyUI's API as a run needs, and draws in no time."""

from __future__ import annotations

import hashlib
import io
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from PIL import Image

from tipo_core.comfy_api.http_client import Graph

EXPANDER = "2"
FAILS, CANCELLED = "a prompt that fails", "a prompt that is cancelled"


def colour(graph: Graph) -> tuple[int, int, int]:
    """The colour of a graph's picture."""
    red, green, blue = hashlib.sha256(json.dumps(graph, sort_keys=True).encode()).digest()[:3]
    return red, green, blue


class FakeServer:
    """`graphs` are the queued graphs in order; the server loses the next `forgets` of them."""

    def __init__(self, object_info: dict[str, Any]) -> None:
        self.object_info = object_info
        self.graphs: dict[str, Graph] = {}
        self.withdrawn: list[str] = []
        self.forgets = 0
        self.lost: set[str] = set()
        self.refusal: dict[str, Any] | None = None
        self.uploads: dict[str, bytes] = {}
        self.interrupted: list[str] = []
        self.is_held = False  # runs go on until they are interrupted
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                self._answer(*fake.get(url.path, parse_qs(url.query)))

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/upload/image":
                    self._answer(200, fake.upload(self.headers["Content-Type"], raw))
                else:
                    self._answer(*fake.post(self.path, json.loads(raw)))

            def _answer(self, code: int, content: Any) -> None:
                raw = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *arguments: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = Thread(target=self._http.serve_forever, args=(0.005,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def get(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        if path == "/object_info":
            return 200, self.object_info
        if path == "/ws":
            return 404, {}
        if path == "/queue":
            running = [[0, one, {}] for one in self.graphs if self.is_running(one)]
            return 200, {"queue_running": running, "queue_pending": []}
        if path == "/view":
            with io.BytesIO() as stream:
                graph = self.graphs[query["filename"][0].removesuffix(".png")]
                Image.new("RGB", (8, 8), colour(graph)).save(stream, "PNG")
                return 200, stream.getvalue()
        prompt_id = path.rpartition("/")[2]
        if prompt_id in self.lost or self.is_running(prompt_id):
            return 200, {}
        return 200, {prompt_id: self.entry(prompt_id)}

    def is_running(self, prompt_id: str) -> bool:
        return self.is_held and prompt_id not in self.interrupted

    def upload(self, kind: str, raw: bytes) -> dict[str, Any]:
        """Keep an uploaded file by its path; answer as ComfyUI."""
        boundary = b"--" + kind.partition("boundary=")[2].encode()
        parts = {}
        for part in raw.split(boundary)[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            values = dict(re.findall(r'(\w+)="([^"]*)"', head.decode("utf-8")))
            parts[values["name"]] = (values.get("filename", ""), content[:-2])
        folder = parts["subfolder"][1].decode() if "subfolder" in parts else ""
        name, self.uploads[f"{folder}/{parts['image'][0]}"] = parts["image"]
        return {"name": name, "subfolder": folder, "type": "input"}

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path == "/queue":
            self.withdrawn += body["delete"]
            return 200, {}
        if path == "/interrupt":
            self.interrupted.append(body["prompt_id"])
            return 200, {}
        if self.refusal is not None:
            return 400, self.refusal
        assert body["client_id"]
        prompt_id = f"run-{len(self.graphs)}"
        self.graphs[prompt_id] = body["prompt"]
        if self.forgets:
            self.forgets -= 1
            self.lost.add(prompt_id)
        return 200, {"prompt_id": prompt_id}

    def entry(self, prompt_id: str) -> dict[str, Any]:
        graph = self.graphs[prompt_id]
        inputs = graph.get(EXPANDER, {}).get("inputs", {})
        given = inputs.get("tags", "") + inputs.get("caption", "")
        outputs: dict[str, Any] = {
            "10": {"images": [{"filename": f"{prompt_id}.png", "subfolder": "", "type": "temp"}]}
        }
        last: list[Any] = ["execution_success", {"timestamp": 2500}]
        if given in (FAILS, CANCELLED):
            outputs = {}
            error = {"node_id": "7", "node_type": "TipoSampler", "exception_message": "no memory\n"}
            last = ["execution_error" if given == FAILS else "execution_interrupted", error]
        elif EXPANDER in graph:
            outputs[EXPANDER] = {"tipo": [{"prompt": f"{given},\n\nand more", "tags": given}]}
        return {
            "outputs": outputs,
            "status": {"messages": [["execution_start", {"timestamp": 1000}], last]},
        }
