"""`dev.py bench`: measured rows against their bars. Register a function here to add rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from devkit.bench_graphs import sampler_seconds
from devkit.environment import write_atomically
from devkit.host import Host
from devkit.layout import Layout
from devkit.steps import step


@dataclass(frozen=True)
class Row:
    """One measurement. `peer` is what the same work costs elsewhere, `ratio` is value / peer."""

    name: str
    value: float
    unit: str
    peer: float | None = None
    bar: float | None = None
    bar_is_for_ratio: bool = False

    @property
    def ratio(self) -> float | None:
        """Return value / peer."""
        return self.value / self.peer if self.peer else None

    @property
    def met(self) -> bool | None:
        """Return whether the bar, an upper one, is kept; None without a bar."""
        judged = self.ratio if self.bar_is_for_ratio else self.value
        return None if self.bar is None or judged is None else judged <= self.bar


Benchmark = Callable[[Layout, Host], Iterable[Row]]
BENCHMARKS: list[Benchmark] = []


def benchmark(function: Benchmark) -> Benchmark:
    """Register a function that measures rows."""
    BENCHMARKS.append(function)
    return function


# ComfyUI's core is imported first; what the pack adds to it is timed, five times under as many
# names. The least time is the cost: the others are this and what else the machine was doing.
_IMPORT_PROBE = """
import asyncio, importlib.util, re, sys, time
root, tree = sys.argv[1:]
sys.argv[1:] = []
sys.path.insert(0, tree)
import torch
from comfy.cli_args import args
args.cpu = True
import utils.extra_config
import comfy_api.latest, folder_paths, nodes, latent_preview
for number in range(6):
    re.purge()
    started = time.perf_counter()
    spec = importlib.util.spec_from_file_location(
        f"probe_{number}", root + "/__init__.py", submodule_search_locations=[root])
    pack = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = pack
    spec.loader.exec_module(pack)
    asyncio.run(asyncio.run(pack.comfy_entrypoint()).get_node_list())
    print(time.perf_counter() - started)
"""


@benchmark
def import_cost(layout: Layout, host: Host) -> Iterable[Row]:
    """Import the pack and list its nodes over what the host has imported anyway."""
    command = [host.python, "-c", _IMPORT_PROBE, layout.root, host.tree]
    answer = subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, text=True
    )
    # The first import may have compiled the byte code, which the next start does not do again.
    times = [float(line) for line in answer.stdout.splitlines()[-5:]]
    yield Row("import of the pack", min(times) * 1000, "ms", bar=50.0)


@benchmark
def sampler_cost(layout: Layout, host: Host) -> Iterable[Row]:
    """Time TipoSampler and core's KSampler on the same latent, seed and steps."""
    ours, cores = sampler_seconds(layout, host)
    yield Row("TipoSampler, 128x128, 8 steps", ours, "s", cores, bar=1.1, bar_is_for_ratio=True)


def run_bench(layout: Layout, host: Host, json_file: str | None) -> int:
    """Measure everything, print the table, and return 1 when a bar is not met."""
    rows: list[Row] = []
    for function in BENCHMARKS:
        with step((function.__doc__ or function.__name__).splitlines()[0]):
            rows += function(layout, host)
    print(table(rows))
    if json_file:
        result = {
            "system": f"{sys.platform}, Python {sys.version.split()[0]}, {os.cpu_count()} cores",
            "rows": [{**asdict(row), "ratio": row.ratio, "met": row.met} for row in rows],
        }
        write_atomically(Path(json_file), json.dumps(result, indent=1))
    return 1 if any(row.met is False for row in rows) else 0


def table(rows: Iterable[Row]) -> str:
    """Return the rows as an aligned table."""
    cells = [("name", "value", "unit", "peer", "ratio", "bar", "met")]
    for row in rows:
        bar = "" if row.bar is None else f"{'x' if row.bar_is_for_ratio else ''}{row.bar:g}"
        met = {None: "", True: "yes", False: "NO"}[row.met]
        cells.append(
            (
                row.name,
                f"{row.value:.3g}",
                row.unit,
                _number(row.peer),
                _number(row.ratio),
                bar,
                met,
            )
        )
    widths = [max(len(line[column]) for line in cells) for column in range(7)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
