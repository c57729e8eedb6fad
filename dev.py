#!/usr/bin/env python3
"""The newcomer's door: demo, test, serve, run, bench, setup, host. See docs/development.md.

This file must parse on any Python 3, so that an old one gets a sentence and not a SyntaxError.
Everything else is in devkit/, which is imported only after the version is known to be right.
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
    """Return one line on why this Python will not do and what to do, or None if it will."""
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
    """Check the Python, then hand over to devkit.cli."""
    problem = python_problem(tuple(sys.version_info[:2]))
    if problem:
        sys.stderr.write(problem + "\n")
        return 2
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from devkit.cli import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
