"""`dev.py serve` and `dev.py host`: leave ComfyUI running with the pack, or say where it is."""

from __future__ import annotations

import os
import sys
import time
import webbrowser
from collections.abc import Mapping

from devkit.messages import StepError, say
from devkit.server.server import START, page_port, running_server
from devkit.setup.host import Host
from devkit.setup.layout import Layout


def serve(layout: Layout, host: Host, port: int | None, opens_page: bool = False) -> int:
    """Run the server and print its log until Ctrl-C; `opens_page` opens the page in the browser."""
    with running_server(layout, host, port or page_port()) as server:
        print(f"ComfyUI with the pack: {server.url}   (Ctrl-C stops it; log: {server.log})")
        say("templates: Workflow > Browse Templates > TIPO Suite")
        if opens_page and not open_page(server.url):
            say(f"no browser was found here: open {server.url} yourself")
        with server.log.open(encoding="utf-8", errors="replace") as log:
            while server.is_running:
                # A piece may end inside a line.
                piece = log.read()
                if piece:
                    say(piece.rstrip("\n"))
                time.sleep(0.3)
        raise StepError(START, "the server stopped", f"see its log: {server.log}")


def open_page(
    url: str, environ: Mapping[str, str] = os.environ, platform: str = sys.platform
) -> bool:
    """Open a page in the user's browser; False where there is no browser with a window.

    Without a display, webbrowser would run a text browser in this terminal.
    """
    has_window = platform in ("win32", "darwin") or any(
        environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    return has_window and webbrowser.open(url)


def describe(layout: Layout, host: Host) -> int:
    """Print the paths of the environment, of ComfyUI and of its base folder."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    print(f"environment:  {layout.venv} (Python {version})")
    print(f"ComfyUI:      {host.tree} (version {host.version})")
    print(f"its Python:   {host.python}")
    print(f"base folder:  {layout.base}")
    print(f"logs:         {layout.logs}")
    return 0
