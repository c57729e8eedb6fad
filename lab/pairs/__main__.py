"""Build the pair table of the pack: python -m lab.pairs --data FOLDER [--out FILE].

The folder has the files of lab/README.md. The same files give the same bytes.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from tipo_core.prompt.vocabulary.pairs import PAIRS_FILE, PERSONS, WRITTEN, write_pairs

from .table_build import build_from


def main() -> int:
    """Read the command line, build the table, print its numbers."""
    parser = argparse.ArgumentParser(prog="python -m lab.pairs", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--out", type=Path, default=PAIRS_FILE, help="(%(default)s)")
    arguments = parser.parse_args()
    try:
        table = build_from(arguments.data)
    except (OSError, ValueError) as error:
        parser.exit(2, f"pair table: {error}\n")
    content = write_pairs(table)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(content)
    for kind, count in Counter(table.kind(n) for n in range(len(table.names))).most_common():
        print(f"{kind}: {count} entries")
    written = sum(bool(bits & (WRITTEN | PERSONS)) for bits in table.sources)
    print(
        f"{arguments.out}: {len(table.names)} entries, {len(table.spellings)} spellings, "
        f"{len(table.seconds)} pairs ({written} written by hand), {len(content)} bytes"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
