"""All rows of `dev.py bench`, in the order of the table: add a benchmark here."""

from __future__ import annotations

from devkit.bench import Benchmark
from devkit.bench_agreement import NANO, SMOLLM2
from devkit.bench_decode import DECODE, EXPERTS, VARIANTS
from devkit.bench_first_token import FIRST_TOKEN
from devkit.bench_gpu import GPU
from devkit.bench_memory import MEMORY
from devkit.bench_nodes import NODES
from devkit.bench_pack import IMPORT
from devkit.bench_request import REQUEST

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
