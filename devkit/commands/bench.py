"""All rows of `dev.py bench`, in the order of the table: add a benchmark here."""

from __future__ import annotations

from devkit.bench.benchmark import Benchmark
from devkit.bench.rows.agreement import NANO, SMOLLM2
from devkit.bench.rows.decode import DECODE, EXPERTS, VARIANTS
from devkit.bench.rows.fresh_process import FIRST_TOKEN
from devkit.bench.rows.gpu import GPU
from devkit.bench.rows.memory_of_decoding import MEMORY
from devkit.bench.rows.pack_costs import NODES
from devkit.bench.rows.pack_import import IMPORT
from devkit.bench.rows.whole_request import REQUEST

BENCHMARKS: tuple[Benchmark, ...] = (
    IMPORT,
    NODES,
    DECODE,
    VARIANTS,
    REQUEST,
    FIRST_TOKEN,
    MEMORY,
    EXPERTS,
    NANO,
    SMOLLM2,
    GPU,
)
