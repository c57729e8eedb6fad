#!/usr/bin/env python3
"""Set up and try TIPO Suite: demo, test, serve, run, bench, generate, setup, host.

docs/development.md describes the commands. This file must parse on any Python 3, so that an old
one prints a sentence and not a SyntaxError; devkit/ is imported after the version check.
"""

import os
import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

OLDEST = (3, 10)
NEWEST = (3, 13)


def python_problem(
    found: "tuple[int, ...]", which: "Callable[[str], str | None]" = shutil.which
) -> "str | None":
    """Return why dev.py cannot run on this Python and the remedy; None if it can."""
    if OLDEST <= tuple(found[:2]) <= NEWEST:
        return None
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    other = next((name for name in names if which(name)), None)
    if other:
        remedy = f"run it as: {other} dev.py"
    else:
        remedy = "install Python 3.12 (from python.org, your package manager or uv)"
    return (
        f"dev.py needs Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}, "
        f"this is {found[0]}.{found[1]}: {remedy}"
    )


def main() -> int:
    """Check the Python version, then call devkit.cli."""
    problem = python_problem(tuple(sys.version_info[:2]))
    if problem:
        sys.stderr.write(problem + "\n")
        return 2
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from devkit.cli import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
