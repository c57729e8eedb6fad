"""Run a graph for a command: progress lines, errors as StepError, the texts and pictures."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from devkit.messages import StepError
from devkit.server.graph_settings import title_of
from devkit.server.server import Server
from devkit.server.websocket_client import Client, Graph, GraphRejected, Outcome, RunFailed

RUN = "run the graph"


class ProgressLines:
    """Prints a line per node of a run, with its seconds; on a terminal also the steps of a node."""

    def __init__(self, graph: Graph, stream: TextIO | None = None) -> None:
        self._graph = graph
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._node: str | None = None
        self._started = 0.0

    def __call__(self, kind: str, data: dict[str, Any]) -> None:
        """Take one websocket message."""
        if kind == "execution_cached":
            for node in data.get("nodes", []):
                self._line(node, "unchanged")
        elif kind == "executing":
            self._finish()
            self._node, self._started = data.get("node"), time.monotonic()
            if self._node is not None and self._live:
                self._count(f"{self._label(self._node)} …")
        elif kind == "progress" and self._live and self._node is not None:
            self._count(f"{self._label(self._node)} {data.get('value')}/{data.get('max')}")
        elif kind in ("execution_error", "execution_interrupted") and self._node is not None:
            word = "FAILED" if kind == "execution_error" else "cancelled"
            self._line(self._node, word)
            self._node = None

    def _label(self, node: str) -> str:
        class_type = str(self._graph.get(node, {}).get("class_type", node))
        title = title_of(self._graph, node)
        return class_type if title == class_type else f"{class_type} ({title})"

    def _finish(self) -> None:
        if self._node is not None:
            self._line(self._node, f"{time.monotonic() - self._started:6.2f} s")
            self._node = None

    def _line(self, node: str, end: str) -> None:
        clear = "\r\x1b[K" if self._live else ""
        print(f"{clear}  {self._label(node):<56} {end}", file=self._stream, flush=True)

    def _count(self, text: str) -> None:
        print(f"\r\x1b[K  {text}", end="", file=self._stream, flush=True)


def run_or_explain(
    client: Client, server: Server, graph: Graph, workflow: Mapping[str, Any] | None
) -> Outcome:
    """Run a graph with progress lines; raise its errors as StepError."""
    try:
        return client.run(graph, workflow, ProgressLines(graph))
    except GraphRejected as error:
        raise StepError(RUN, str(error), "correct the values named above") from error
    except RunFailed as error:
        raise StepError(
            RUN, f"{error.error_type}: {error}", f"the traceback is in {server.log}"
        ) from error


def texts_of(graph: Graph, outcome: Outcome) -> list[dict[str, Any]]:
    """Return the texts that the nodes show on the page."""
    return [
        {"node": node, "title": title_of(graph, node), "text": [str(text) for text in texts]}
        for node, output in outcome.outputs.items()
        if (texts := output.get("text"))
    ]


def pictures_of(outcome: Outcome, base: Path) -> list[Path]:
    """Return the saved picture files, in the order of the nodes."""
    return [
        base / image.get("type", "output") / image.get("subfolder", "") / image["filename"]
        for output in outcome.outputs.values()
        for image in output.get("images", [])
    ]
