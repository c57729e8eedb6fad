"""Measure folders of pictures, draw and measure with and without TIPO, or measure expansions.

`frechet`, `vendi`, `aesthetic` and `subject` read folders of pictures. `protocol` draws the
pictures too, on a ComfyUI server, with and without TIPO. `text` expands requests and measures the
added text.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from .commands import add_commands
from .protocol.commands import add_protocol
from .text.commands import add_text

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, measure, print the report; return the exit code.

    A wrong input is one line on standard error.
    """
    parser = argparse.ArgumentParser(prog="python -m tipo_core.evaluate", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add_commands(commands)
    add_protocol(commands)
    add_text(commands)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        report = given.report(given)
    except KeyboardInterrupt:
        kept = ": the features computed so far are in the cache"
        kept = kept if getattr(given, "cache", None) else ""
        sys.stderr.write(f"interrupted{getattr(given, 'when_interrupted', kept)}\n")
        return _INTERRUPTED
    except (ValueError, OSError, RuntimeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
