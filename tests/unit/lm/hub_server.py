"""A small server in place of the Hugging Face hub."""

from __future__ import annotations

import hashlib
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LARGE = 10_000


@dataclass
class HubServer:
    """Serves `files`, each under /<repository>/resolve/main/<name>.

    Behaviour by file name: `cuts` ends the next connections after these numbers of bytes, `hangs`
    lets them hang there, `etags` and `statuses` replace those of the response. `packet` and
    `seconds` slow the bodies down. `cut_all` ends every connection after this number of bytes.
    """

    files: dict[str, bytes]
    cuts: dict[str, list[int]] = field(default_factory=dict)
    hangs: dict[str, list[int]] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    cut_all: dict[str, int] = field(default_factory=dict)
    honours_ranges: bool = True
    packet: int = 4096
    seconds: float = 0.0
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)

    def __enter__(self) -> HubServer:
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def etag(self, name: str) -> str:
        """Return a file's checksum as the hub gives it: of a large file the sha256."""
        content = self.files[name]
        if len(content) >= LARGE:
            return hashlib.sha256(content).hexdigest()
        return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()

    def fetched(self, name: str) -> list[str | None]:
        """Return the Range of each GET of a file."""
        return [asked for method, path, asked in self.asked if (method, path) == ("GET", name)]


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, name = self.hub, self.path.rsplit("/", 1)[-1]
        asked = self.headers.get("Range")
        hub.asked.append((self.command, name, asked))
        status = hub.statuses.get(name, 200 if name in hub.files else 404)
        if status != 200:
            self.send_response(status)
            code = {401: "GatedRepo", 403: "GatedRepo", 404: "EntryNotFound"}.get(status, "")
            self.send_header("X-Error-Code", code)
            self.send_header("X-Repo-Commit", "a" * 40)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content, start = hub.files[name], 0
        if asked and hub.honours_ranges:
            start = int(asked.removeprefix("bytes=").split("-")[0])
            status = 206
        self.send_response(status)
        self.send_header("ETag", f'"{hub.etags.get(name) or hub.etag(name)}"')
        self.send_header("X-Repo-Commit", "a" * 40)
        self.send_header("Content-Length", str(len(content) - start))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if self.command == "GET":
            self._send(name, content[start:])

    def _send(self, name: str, content: bytes) -> None:
        cuts, hangs = self.hub.cuts.get(name), self.hub.hangs.get(name)
        if name in self.hub.cut_all:
            content = content[: self.hub.cut_all[name]]
            self.close_connection = True
        elif cuts or hangs:
            content = content[: (cuts or hangs or [0]).pop(0)]
            self.close_connection = True
        for place in range(0, len(content), self.hub.packet):
            try:
                self.wfile.write(content[place : place + self.hub.packet])
            except OSError:  # the client went away
                self.close_connection = True
                return
            time.sleep(self.hub.seconds)
        if hangs is not None and not cuts and self.close_connection:
            self.connection.settimeout(5)
            with suppress(OSError):
                self.connection.recv(1)  # nothing comes until the client leaves

    def log_message(self, format: str, *values: Any) -> None:
        """Say nothing."""
