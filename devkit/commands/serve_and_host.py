"""`dev.py serve` and `dev.py host`: leave ComfyUI running with the pack, or say where it is."""

from __future__ import annotations

import sys
import time

from devkit.messages import StepError, say
from devkit.server.server import START, running_server
from devkit.setup.host import Host
from devkit.setup.layout import Layout


def serve(layout: Layout, host: Host, port: int | None) -> int:
    """Run the server and print its log until Ctrl-C."""
    with running_server(layout, host, port) as server:
        print(f"ComfyUI with the pack: {server.url}   (Ctrl-C stops it; log: {server.log})")
        with server.log.open(encoding="utf-8", errors="replace") as log:
            while server.is_running:
                # A piece may end inside a line.
                piece = log.read()
                if piece:
                    say(piece.rstrip("\n"))
                time.sleep(0.3)
        raise StepError(START, "the server stopped", f"see its log: {server.log}")


def describe(layout: Layout, host: Host) -> int:
    """Print the paths of the environment, of ComfyUI and of its base folder."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    print(f"environment:  {layout.venv} (Python {version})")
    print(f"ComfyUI:      {host.tree} (version {host.version})")
    print(f"its Python:   {host.python}")
    print(f"base folder:  {layout.base}")
    print(f"logs:         {layout.logs}")
    return 0
