"""`dev.py serve`: the host with the pack loaded, left running for the browser."""

from __future__ import annotations

import time

from devkit.messages import StepError, say
from devkit.server.server import START
from devkit.server.session import running_server
from devkit.setup.host import Host
from devkit.setup.layout import Layout


def serve(layout: Layout, host: Host, port: int | None) -> int:
    """Run the server in the foreground, showing its log, until Ctrl-C."""
    with running_server(layout, host, port) as server:
        print(f"ComfyUI with the pack: {server.url}   (Ctrl-C stops it; log: {server.log})")
        with server.log.open(encoding="utf-8", errors="replace") as log:
            while server.is_running:
                # A piece may end inside a line: it is passed on as it came.
                piece = log.read()
                if piece:
                    say(piece.rstrip("\n"))
                time.sleep(0.3)
        raise StepError(START, "the server ended by itself", f"see its log: {server.log}")
