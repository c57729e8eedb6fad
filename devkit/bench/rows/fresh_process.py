"""Rows of loading: seconds to the first token, beside the seconds to read the file."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from devkit.bench.benchmark import Aim, Benchmark, Figure, Setting, Unmeasured, at_most_times
from devkit.bench.engines import Ours
from devkit.bench.models.random_models import TIPO_200M, BenchModel
from devkit.bench.worker import Worker

ROUNDS = 5
_CHUNK = 16 << 20
_ROWS = {f"first token {precision}, reading the file": precision for precision in ("int8", "auto")}


def first_token(model: str, precision: str, threads: int) -> dict[str, float]:
    """Return the seconds to load a folder and write one token, and those to read its weights.

    The file is in the page cache for both. The two packages that the host has imported anyway,
    long before a model is loaded, are imported before.
    """
    import safetensors.torch
    import tokenizers

    assert safetensors and tokenizers
    torch.set_num_threads(threads)
    weights = Path(model) / "model.safetensors"
    _read(weights)
    started = time.perf_counter()
    _read(weights)
    reading = time.perf_counter() - started
    started = time.perf_counter()
    Ours(model, precision).complete("target: <|long|>\ntag: 1girl,", 1, 1, 0)
    return {"first": time.perf_counter() - started, "reading": reading}


def _read(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        while file.read(_CHUNK):
            pass


def _loads(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure | Unmeasured]]:
    """Load in a fresh process each time, the precisions in turn."""
    folder = str(BenchModel(TIPO_200M, setting.layout).folder())
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(ROUNDS):
        for name, answers in found.items():
            with Worker(setting.layout, name) as worker:
                threads = torch.get_num_threads()
                answers.append(
                    worker.ask("first_token", model=folder, precision=_ROWS[name], threads=threads)
                )
    for name, answers in found.items():
        first = statistics.median(one["first"] for one in answers)
        yield name, Figure(first, statistics.median(one["reading"] for one in answers))


FIRST_TOKEN = Benchmark(
    "load a model and write one token",
    [Aim(name, "s", at_most_times(2.5)) for name in _ROWS],
    _loads,
)
