"""`dev.py bench`: measure the chosen rows, print them as a table and write them as JSON.

Add a benchmark to BENCHMARKS, which has the order of the table.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from devkit.bench.benchmark import Benchmark, Row, Setting
from devkit.bench.rows.agreement import NANO, SMOLLM2
from devkit.bench.rows.decode import DECODE, EXPERTS, GPU, VARIANTS
from devkit.bench.rows.fresh_process import FIRST_TOKEN, MEMORY
from devkit.bench.rows.pack_costs import IMPORT, NODES
from devkit.bench.rows.streaming import STREAMING
from devkit.bench.rows.whole_request import REQUEST
from devkit.messages import StepError, say
from devkit.setup.environment import write_atomically

BENCHMARKS: tuple[Benchmark, ...] = (
    IMPORT,
    NODES,
    DECODE,
    VARIANTS,
    REQUEST,
    STREAMING,
    FIRST_TOKEN,
    MEMORY,
    EXPERTS,
    NANO,
    SMOLLM2,
    GPU,
)


def run_bench(
    setting: Setting,
    prefixes: Sequence[str],
    json_file: str | None,
    benchmarks: Sequence[Benchmark] = BENCHMARKS,
) -> int:
    """Measure the rows with these prefixes and print the table; return 1 if a bar is not met."""
    for prefix in prefixes:
        if not any(benchmark.wanted([prefix]) for benchmark in benchmarks):
            names = "\n".join(aim.name for benchmark in benchmarks for aim in benchmark.aims)
            raise StepError(
                "choose the rows", f"no row begins with {prefix!r}", f"choose one of:\n{names}"
            )
    say(f"{sys.platform}, Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    rows: list[Row] = []
    for benchmark in benchmarks:
        rows += benchmark.rows(setting, prefixes)
        if json_file:
            # After each benchmark: a run takes many minutes and may be stopped.
            write_atomically(Path(json_file), json_lines(rows))
    print(table(rows))
    return 1 if any(row.met is False for row in rows) else 0


def json_lines(rows: Iterable[Row]) -> str:
    """Return one JSON object per line."""
    return "".join(json.dumps(row.to_json()) + "\n" for row in rows)


def table(rows: Iterable[Row]) -> str:
    """Return the rows as an aligned table; the reason for a missing figure is the last column."""
    cells = [("name", "value", "unit", "peer", "ratio", "bar", "met", "")]
    for row in rows:
        cells.append(
            (
                row.aim.name,
                _number(row.figure.value if row.figure else None),
                row.aim.unit,
                _number(row.figure.peer if row.figure else None),
                _number(row.ratio),
                str(row.aim.bar or ""),
                {None: "", True: "yes", False: "NO"}[row.met],
                row.reason,
            )
        )
    widths = [max(len(line[column]) for line in cells) for column in range(8)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
