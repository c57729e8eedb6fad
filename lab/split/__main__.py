"""Measure how well mixed prompts are split into tags, captions, networks and the rest.

python -m lab.split --data CORPORA --markdown
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .mixed_prompts import mixed_prompts, read_sources
from .split_report import evaluate_split


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, split, and print the report as JSON; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.split", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--prompts", type=int, default=5000, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    parser.add_argument("--markdown", action="store_true", help="print tables, not JSON")
    given = parser.parse_args(arguments)
    try:
        sources = read_sources(given.data)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    report = evaluate_split(mixed_prompts(sources, given.prompts, given.seed))
    sys.stdout.write(report.to_markdown() if given.markdown else report.to_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
