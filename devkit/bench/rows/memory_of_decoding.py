"""Rows of memory: what decoding takes beside the weights."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from devkit.bench.benchmark import Aim, Benchmark, Figure, Setting, Unmeasured, at_most
from devkit.bench.engines import Ours
from devkit.bench.models.random_models import TIPO_200M, BenchModel
from devkit.bench.worker import Worker

TOKENS = 1024
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_ROWS = {f"memory {precision}, 1,024 tokens": precision for precision in ("int8", "auto")}


def memory_of_decoding(model: str, precision: str, threads: int) -> dict[str, float]:
    """Return the resident bytes after loading, and the most while `TOKENS` tokens were written."""
    torch.set_num_threads(threads)
    ours = Ours(model, precision)
    gc.collect()
    after_load = _resident("VmRSS")
    _CLEAR.write_text("5")  # the high-water mark starts anew (man 5 proc)
    ours.complete("target: <|long|>\ntag: 1girl,", TOKENS, 1, 0)
    return {"after_load": after_load, "peak": _resident("VmHWM")}


def _resident(key: str) -> int:
    found = re.search(rf"^{key}:\s*(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    assert found, key
    return int(found[1]) * 1024


def _memory(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure | Unmeasured]]:
    if not _CLEAR.exists():
        raise Unmeasured("only Linux tells a process its peak memory: run it there")
    folder = str(BenchModel(TIPO_200M, setting.layout).folder())
    for name in names:
        with Worker(setting.layout, name) as worker:
            threads = torch.get_num_threads()
            answer = worker.ask("memory", model=folder, precision=_ROWS[name], threads=threads)
        yield name, Figure((answer["peak"] - answer["after_load"]) / 1e6)


MEMORY = Benchmark(
    "decode 1,024 tokens in a fresh process",
    [Aim(name, "MB", at_most(150.0)) for name in _ROWS],
    _memory,
)
