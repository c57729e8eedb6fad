"""The parent's end of worker_program.py: start the process, ask it, and say why it failed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from devkit.bench.benchmark import Unmeasured
from devkit.setup.layout import Layout


class Worker:
    """A process that runs one task at a time; the context manager ends it."""

    def __init__(self, layout: Layout, label: str) -> None:
        self.label = label
        self._layout = layout

    def __enter__(self) -> Worker:
        with ExitStack() as opened:
            self._errors = opened.enter_context(
                tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
            )
            self._process = subprocess.Popen(
                [sys.executable, "-m", "devkit.bench.worker_program"],
                cwd=self._layout.root,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                encoding="utf-8",
                # No benchmark downloads a model.
                env={**os.environ, "HF_HUB_OFFLINE": "1"},
            )
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._opened.close()

    def ask(self, task: str, **arguments: Any) -> dict[str, Any]:
        """Return the answer of a task; raise Unmeasured with the program's name if it failed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"task": task, **arguments}) + "\n")
            self._process.stdin.flush()
        except OSError:  # the process has ended: the missing answer is reported below
            pass
        line = self._process.stdout.readline()
        if not line:
            raise Unmeasured(f"{self.label} ended with code {self._process.wait()}: {self._said()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Unmeasured(f"{self.label}: {answer['error']}")
        return answer

    def _said(self) -> str:
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors if line.strip()]
        return lines[-1] if lines else "no output"
