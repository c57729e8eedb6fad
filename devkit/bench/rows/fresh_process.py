"""Rows of a fresh process: seconds to the first token, and the memory that decoding takes.

The peer of the first token is the time to read the file.
"""

from __future__ import annotations

import gc
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from devkit.bench.benchmark import (
    Aim,
    Benchmark,
    Figure,
    Setting,
    Unmeasured,
    at_most,
    at_most_times,
)
from devkit.bench.engines import Ours
from devkit.bench.models.random_models import TIPO_200M, BenchModel
from devkit.bench.worker import Worker

ROUNDS = 5
_CHUNK = 16 << 20
_PRECISIONS = ("int8", "auto")
_LOAD_ROWS = {f"first token {one}, reading the file": one for one in _PRECISIONS}


def first_token(model: str, precision: str, threads: int) -> dict[str, float]:
    """Return the seconds to load a folder and write one token, and those to read its weights.

    Both read the file from the page cache. Two packages that ComfyUI imports at its start are
    imported first, outside the measurement.
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
                    worker.ask(
                        "first_token",
                        model=folder,
                        precision=_LOAD_ROWS[name],
                        threads=threads,
                    )
                )
    for name, answers in found.items():
        first = statistics.median(one["first"] for one in answers)
        yield name, Figure(first, statistics.median(one["reading"] for one in answers))


FIRST_TOKEN = Benchmark(
    "load a model and write one token",
    [Aim(name, "s", at_most_times(2.5)) for name in _LOAD_ROWS],
    _loads,
)


TOKENS = 1024
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_MEMORY_ROWS = {f"memory {one}, 1,024 tokens": one for one in _PRECISIONS}


def memory_of_decoding(model: str, precision: str, threads: int) -> dict[str, float]:
    """Return the resident bytes after loading, and their peak while `TOKENS` tokens are written."""
    torch.set_num_threads(threads)
    ours = Ours(model, precision)
    gc.collect()
    after_load = _resident("VmRSS")
    _CLEAR.write_text("5")  # reset the peak (man 5 proc)
    ours.complete("target: <|long|>\ntag: 1girl,", TOKENS, 1, 0)
    return {"after_load": after_load, "peak": _resident("VmHWM")}


def _resident(key: str) -> int:
    found = re.search(rf"^{key}:\s*(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    assert found, key
    return int(found[1]) * 1024


def _memory(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure | Unmeasured]]:
    if not _CLEAR.exists():
        raise Unmeasured(
            "the peak memory of a process is measured on Linux alone: run the bench there"
        )
    folder = str(BenchModel(TIPO_200M, setting.layout).folder())
    for name in names:
        with Worker(setting.layout, name) as worker:
            threads = torch.get_num_threads()
            answer = worker.ask(
                "memory", model=folder, precision=_MEMORY_ROWS[name], threads=threads
            )
        yield name, Figure((answer["peak"] - answer["after_load"]) / 1e6)


MEMORY = Benchmark(
    "decode 1,024 tokens in a fresh process",
    [Aim(name, "MB", at_most(150.0)) for name in _MEMORY_ROWS],
    _memory,
)
