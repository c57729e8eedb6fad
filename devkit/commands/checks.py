"""`dev.py test`: lint, format, types, then the tests; other arguments go to pytest alone.

The unit tests run in as many processes as there are cores, then those that need a server in two
processes, each with a server of its own, then those that drive a browser, in two as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from devkit.messages import StepError, say, step
from devkit.setup.base_folder import link_pack
from devkit.setup.browser import MISSING, find_chromium, must_have_chromium
from devkit.setup.layout import Layout
from devkit.setup.run_tool import run_tool

LINT, TYPES, UNIT, HOST, BROWSER = PARTS = ("lint", "types", "unit", "host", "browser")
COVERAGE = "--coverage"
_INTERRUPTED = 2
# More processes than this would spend their time on importing torch.
_MOST_WORKERS = 8
# Each server needs about 3 GB.
_MOST_SERVERS = 2


def run_checks(layout: Layout, arguments: Sequence[str]) -> int:
    """Run the parts that are named, or all, and return the exit code of the first that failed.

    `--coverage` measures the unit tests. Any other argument makes it a call of pytest alone.
    """
    if shutil.which("git") is None:
        raise StepError(
            "find git",
            "there is no git on the PATH, and the suite tests a fresh clone",
            "install git (git-scm.com, or your package manager)",
        )
    if not set(arguments) <= {*PARTS, COVERAGE}:
        return _pytest(layout, arguments)
    parts = [part for part in PARTS if part in arguments] or list(PARTS)
    _check(layout, parts)
    result = 0
    for part in parts:
        if part in (LINT, TYPES):
            continue
        if part == BROWSER and not _can_have_browser():
            say(f"THE BROWSER TESTS WERE SKIPPED: {MISSING}")
            continue
        if part == UNIT:
            code = _unit_tests(layout, COVERAGE in arguments)
        elif part == HOST:
            code = _pytest(layout, ["tests/host", *_in_processes(_MOST_SERVERS, "loadfile")])
        else:
            # The processes differ in their front end.
            processes = _in_processes(_MOST_SERVERS, "loadgroup")
            code = _pytest(layout, [f"tests/{part}", *processes])
        if code == _INTERRUPTED:
            return code
        result = result or code
    return result


def _check(layout: Layout, parts: Sequence[str]) -> None:
    """Run the linter and the type checker; a finding is a StepError."""
    python = str(layout.venv_python)
    commands = [
        (LINT, "lint (ruff check)", [python, "-m", "ruff", "check", "--quiet", "."]),
        (LINT, "format (ruff format)", [python, "-m", "ruff", "format", "--check", "--quiet", "."]),
        (TYPES, "types (mypy)", [python, "-m", "mypy", "--no-error-summary"]),
    ]
    # Relative imports of the nodes lead to the root, which is a package under this name alone.
    link_pack(layout.root, layout.host / "types" / "tipo_suite")
    for part, name, command in commands:
        if part in parts:
            with step(name):
                run_tool(name, command, cwd=layout.root)


def _can_have_browser() -> bool:
    """Return whether the browser tests are run: with a browser, or to fail on a CI machine."""
    return find_chromium(os.environ) is not None or must_have_chromium(os.environ)


def _unit_tests(layout: Layout, coverage: bool) -> int:
    command = ["tests/unit", *_in_processes(_MOST_WORKERS, "loadgroup")]
    if coverage:
        command += ["--cov", "--cov-report=term:skip-covered", "--cov-report=xml"]
    # One thread each: with more they would wait for each other at every operation.
    return _pytest(layout, command, {"OMP_NUM_THREADS": "1"})


def _in_processes(most: int, distribution: str) -> list[str]:
    """Return pytest's arguments for as many processes as there are cores, at most `most`."""
    return ["-n", str(min(os.cpu_count() or 1, most)), "--dist", distribution]


def _pytest(
    layout: Layout, arguments: Sequence[str], environ: Mapping[str, str] | None = None
) -> int:
    """Run pytest, which inherits the terminal: colours, progress and Ctrl-C are its own."""
    command = [str(layout.venv_python), "-m", "pytest", *arguments]
    return subprocess.run(
        command, cwd=layout.root, env={**os.environ, **(environ or {})}
    ).returncode
