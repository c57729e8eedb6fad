"""What demo, run, serve and bench share: the host made ready, and a server running in it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from devkit.messages import StepError, say
from devkit.server.server import START, Server
from devkit.setup.base_folder import put_examples
from devkit.setup.host import Host, ensure_host, prepare_base, write_model_paths
from devkit.setup.layout import Layout
from devkit.setup.toy_sd import ensure_toy_sd

OWN_NODE = "TipoExpand"


def make_ready(layout: Layout) -> Host:
    """Obtain ComfyUI, link the pack into it, and add toy-sd and the templates' pictures."""
    host = ensure_host(layout, os.environ)
    prepare_base(layout.base, layout.root)
    put_examples(layout.root, layout.base)
    ensure_toy_sd(layout, host)
    return host


@contextmanager
def running_server(layout: Layout, host: Host, port: int | None = None) -> Iterator[Server]:
    """Run a server with the pack loaded for the time of the block."""
    paths = None
    if host.is_users_own:
        paths = write_model_paths(layout.host / "users-models.yaml", [host.tree])
    server = Server(host, layout.base, layout.logs, port=port, model_paths=paths)
    device = " --cpu" if "--cpu" in server.command() else ""
    say(f"starting ComfyUI {host.version}{device} at {server.url} …")
    started = time.monotonic()
    with server:
        say(f"  ready in {time.monotonic() - started:.1f} s")
        yield server
    say("the server is stopped")


def check_pack_is_loaded(object_info: dict[str, object], server: Server) -> None:
    """Raise a StepError with the log's words when ComfyUI could not load the pack."""
    if OWN_NODE in object_info:
        return
    log = server.log.read_text("utf-8", errors="replace").splitlines()
    shown = [line for line in log if "rror" in line or "FAILED" in line][-10:] or log[-10:]
    raise StepError(
        START,
        f"ComfyUI runs, but it did not load the pack ({OWN_NODE} is missing):\n" + "\n".join(shown),
        f"the whole log is {server.log}",
    )
