"""A process that loads one program and runs tasks: python -m devkit.bench.worker_program.

Each line of stdin is a JSON object with `task` and its arguments; each line of stdout is the
answer. `devkit.bench.worker.Worker` is the other end.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

from devkit.bench.engines import ENGINES, Engine
from devkit.bench.rows.agreement import agreement
from devkit.bench.rows.fresh_process import first_token, memory_of_decoding


class Tasks:
    """The tasks of the process."""

    def __init__(self) -> None:
        self.engine: Engine | None = None

    def open(self, engine: str, threads: int, **arguments: Any) -> dict[str, Any]:
        """Load a program and its model."""
        torch.set_num_threads(threads)
        self.engine = ENGINES[engine](**arguments)
        return {}

    def complete(self, **arguments: Any) -> dict[str, Any]:
        """Complete a prompt."""
        assert self.engine is not None, "call open first"
        return _timed(self.engine.complete, arguments)

    def request(self, **arguments: Any) -> dict[str, Any]:
        """Expand tags."""
        assert self.engine is not None, "call open first"
        return _timed(self.engine.request, arguments)

    def first_token(self, **arguments: Any) -> dict[str, Any]:
        """Load a model and write one token."""
        return first_token(**arguments)

    def memory(self, **arguments: Any) -> dict[str, Any]:
        """Load a model and decode."""
        return memory_of_decoding(**arguments)

    def agreement(self, **arguments: Any) -> dict[str, Any]:
        """Compare the precisions of a model."""
        return agreement(**arguments)


def _timed(call: Callable[..., int], arguments: dict[str, Any]) -> dict[str, Any]:
    started = time.perf_counter()
    tokens = call(**arguments)
    return {"seconds": time.perf_counter() - started, "tokens": tokens}


def main() -> None:
    """Answer until stdin ends."""
    # The programs may print; only answers go to stdout.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    tasks = Tasks()
    for line in sys.stdin:
        arguments = json.loads(line)
        do = getattr(tasks, arguments.pop("task"))
        try:
            answer = do(**arguments)
        except Exception as error:  # the error is the reason for a missing figure
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
