"""`dev.py run`: run a graph in API form, and print its texts and pictures."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from pathlib import Path

from devkit.server.graph_run import pictures_of, run_or_explain, texts_of
from devkit.server.graph_settings import apply_settings, load_graph
from devkit.server.server import running_server
from devkit.server.websocket_client import Client
from devkit.setup.host import Host
from devkit.setup.layout import Layout


def run_graph(layout: Layout, host: Host, args: Namespace) -> int:
    """Run the graph of the command line and print its texts, pictures and seconds."""
    graph = load_graph(Path(args.graph))
    apply_settings(graph, args.set)
    started = time.monotonic()
    with running_server(layout, host) as server, Client(server.url) as client:
        outcome = run_or_explain(client, server, graph, None)
    outputs = texts_of(graph, outcome)
    pictures = [str(path) for path in pictures_of(outcome, server.base)]
    seconds = time.monotonic() - started
    result = {
        "outputs": outputs,
        "images": pictures,
        "seconds": {
            "nodes": {node: round(spent, 2) for node, spent in outcome.seconds.items()},
            "run": round(outcome.total_seconds, 2),
            "total": round(seconds, 2),
        },
        "comfyui_version": host.version,
    }
    if args.json:
        print(json.dumps(result, ensure_ascii=False, indent=1))
        return 0
    for output in outputs:
        for text in output["text"]:
            print(f"{output['title']} ({output['node']}): {text}")
    for path in pictures:
        print(f"picture: {path}")
    print(f"seconds: {outcome.total_seconds:.2f} for the run, {seconds:.2f} in total")
    return 0
