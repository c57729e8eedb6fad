"""`dev.py test`: lint, format, types, then the tests; arguments go to pytest and skip the rest."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from devkit.layout import Layout
from devkit.process import run_tool
from devkit.steps import StepError, step


def run_checks(layout: Layout, pytest_arguments: Sequence[str]) -> int:
    """Run the checks in the checkout's environment and return pytest's exit code."""
    if shutil.which("git") is None:
        raise StepError(
            "find git",
            "there is no git on the PATH, and the suite tests a fresh clone",
            "install git (git-scm.com, or your package manager)",
        )
    if not pytest_arguments:
        python = str(layout.venv_python)
        for name, command in (
            ("lint (ruff check)", [python, "-m", "ruff", "check", "--quiet", "."]),
            ("format (ruff format)", [python, "-m", "ruff", "format", "--check", "--quiet", "."]),
            ("types (mypy)", [python, "-m", "mypy", "--no-error-summary"]),
        ):
            with step(name):
                run_tool(name, command, cwd=layout.root)
    # Inherits the terminal: colours, progress and Ctrl-C are pytest's own.
    pytest = [str(layout.venv_python), "-m", "pytest", *pytest_arguments]
    return subprocess.run(pytest, cwd=layout.root).returncode
