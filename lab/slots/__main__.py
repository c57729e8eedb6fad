"""Tables of what fits a prompt.

python -m lab.slots figures --lists WHEEL --names ARCHIVE --japanese WHEEL --pokemon ARCHIVE
python -m lab.slots check --pairs FILE.jsonl.gz --tags FILE.jsonl.gz
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from lab.slots.check import exceptions
from lab.slots.figures import build_figures, rules_from
from tipo_core.prompt.persons.characters import FIGURES_FILE, pack_figures
from tipo_core.prompt.vocabulary.names import NAMES_FILE, read


def main() -> int:
    """Read the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m lab.slots", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    figures = commands.add_parser("figures", help="build figures.bin, the sex of characters")
    figures.add_argument("--lists", type=Path, required=True, help="wheel of tipo-kgen")
    figures.add_argument("--names", type=Path, required=True, help="archive of `names`")
    figures.add_argument("--japanese", type=Path, required=True, help="wheel of Japanese names")
    figures.add_argument("--pokemon", type=Path, required=True, help="archive of npm `pokemon`")
    figures.add_argument("--out", type=Path, default=FIGURES_FILE, help="(%(default)s)")
    check = commands.add_parser("check", help="list frequent tag pairs that contradict")
    check.add_argument("--pairs", type=Path, required=True)
    check.add_argument("--tags", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        (_figures if arguments.command == "figures" else _check)(arguments)
    except (OSError, ValueError, KeyError) as error:
        parser.exit(2, f"slots: {error}\n")
    return 0


def _figures(arguments: argparse.Namespace) -> None:
    rules = rules_from(arguments.names, arguments.japanese, arguments.pokemon)
    figures = build_figures(arguments.lists, rules)
    content = pack_figures(read(NAMES_FILE), figures)
    arguments.out.write_bytes(content)
    counts = Counter(figure.value for figure in figures.values())
    print(f"{arguments.out}: {dict(counts)}, {len(content)} bytes")


def _check(arguments: argparse.Namespace) -> None:
    result = exceptions(arguments.pairs, arguments.tags)
    for count, text in result.found:
        print(count, text)
    print(f"{len(result.found)} of {result.pairs} pairs, {result.share:.2%} of the pictures")


if __name__ == "__main__":
    sys.exit(main())
