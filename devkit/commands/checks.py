"""`dev.py test`: lint, format, types, then the tests; arguments go to pytest and skip the rest.

The unit tests run in as many processes as there are cores, then those that share a server in one,
then those that drive a browser.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from devkit.setup.chromium import MISSING, find_chromium, must_have_chromium
from devkit.setup.layout import Layout
from devkit.setup.process import run_tool
from devkit.setup.steps import StepError, say, step

_INTERRUPTED = 2
# More processes than this would spend their time on importing torch.
_MOST_WORKERS = 8


def run_checks(layout: Layout, pytest_arguments: Sequence[str]) -> int:
    """Run the checks in the checkout's environment and return pytest's exit code."""
    if shutil.which("git") is None:
        raise StepError(
            "find git",
            "there is no git on the PATH, and the suite tests a fresh clone",
            "install git (git-scm.com, or your package manager)",
        )
    if pytest_arguments:
        return _pytest(layout, pytest_arguments)
    python = str(layout.venv_python)
    for name, command in (
        ("lint (ruff check)", [python, "-m", "ruff", "check", "--quiet", "."]),
        ("format (ruff format)", [python, "-m", "ruff", "format", "--check", "--quiet", "."]),
        ("types (mypy)", [python, "-m", "mypy", "--no-error-summary"]),
    ):
        with step(name):
            run_tool(name, command, cwd=layout.root)
    workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    # One thread each: with more they would wait for each other at every operation.
    threads = {"OMP_NUM_THREADS": "1"}
    units = _pytest(layout, ["tests/unit", "-n", str(workers), "--dist", "loadgroup"], threads)
    if units == _INTERRUPTED:
        return units
    hosts = _pytest(layout, ["tests/host"])
    if hosts == _INTERRUPTED:
        return hosts
    if find_chromium(os.environ) is None and not must_have_chromium(os.environ):
        say(f"THE BROWSER TESTS WERE SKIPPED: {MISSING}")
        return hosts or units
    return _pytest(layout, ["tests/browser"]) or hosts or units


def _pytest(
    layout: Layout, arguments: Sequence[str], environ: Mapping[str, str] | None = None
) -> int:
    """Run pytest, which inherits the terminal: colours, progress and Ctrl-C are its own."""
    command = [str(layout.venv_python), "-m", "pytest", *arguments]
    return subprocess.run(
        command, cwd=layout.root, env={**os.environ, **(environ or {})}
    ).returncode
