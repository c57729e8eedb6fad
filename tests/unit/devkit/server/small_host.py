"""A ComfyUI in miniature, copied as main.py: answers every path, leaves its process id in base."""

from __future__ import annotations

import http.server
import os
import sys
from pathlib import Path


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers every GET with 200 and no content."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


def option(name: str) -> str:
    """Return the value of a command line option."""
    return sys.argv[sys.argv.index(name) + 1]


Path(option("--base-directory"), "pid").write_text(str(os.getpid()), encoding="utf-8")
http.server.HTTPServer(("127.0.0.1", int(option("--port"))), Answer).serve_forever()
