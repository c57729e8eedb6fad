"""Build the packed dictionary: python -m lab.translations --data FOLDER.

`--data` has ``tag_translations_sfw.csv.gz`` and ``danbooru_tags.jsonl.gz``. The output is
``table.txt.gz`` and ``folding.txt`` in the assets. The same files give the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from collections.abc import Sequence
from pathlib import Path

from tipo_core.prompt.vocabulary.translations import (
    TRANSLATIONS_FOLDER,
    read_words,
    write_table,
)

from .build_table import build_lines, folding_pairs, read_counts, read_mistakes, read_rows

_OWN = Path(__file__).resolve().parent
_PAIRS_PER_LINE = 24
_FOLDING_HEAD = "# Traditional and simplified Chinese characters; `python -m lab.translations`.\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, write the files, print their sizes; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.translations", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the two files")
    parser.add_argument("--out", type=Path, default=TRANSLATIONS_FOLDER, help="(%(default)s)")
    given = parser.parse_args(arguments)
    try:
        rows, counts = read_rows(given.data), read_counts(given.data)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    by_hand = list(read_words((TRANSLATIONS_FOLDER / "words.txt").read_text("utf-8")))
    mistakes = read_mistakes((_OWN / "mistakes.txt").read_text("utf-8"))
    lines = build_lines(rows, counts, by_hand, mistakes)
    pairs = folding_pairs(rows, (_OWN / "folding_by_hand.txt").read_text("utf-8"))
    given.out.mkdir(parents=True, exist_ok=True)
    packed = gzip.compress(write_table(lines).encode("utf-8"), compresslevel=9, mtime=0)
    (given.out / "table.txt.gz").write_bytes(packed)
    folding = _folding_text(pairs)
    (given.out / "folding.txt").write_text(folding, encoding="utf-8", newline="\n")
    sys.stdout.write(
        f"{len(lines)} tags in {len(packed)} bytes, {len(pairs)} pairs of characters\n"
    )
    return 0


def _folding_text(pairs: dict[str, str]) -> str:
    listed = [traditional + simplified for traditional, simplified in pairs.items()]
    lines = [
        " ".join(listed[start : start + _PAIRS_PER_LINE])
        for start in range(0, len(listed), _PAIRS_PER_LINE)
    ]
    return _FOLDING_HEAD + "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
