"""Rows of decoding on a GPU in bf16."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from devkit.bench.benchmark import (
    Aim,
    Benchmark,
    Figure,
    Setting,
    Unmeasured,
    at_least,
    at_least_times,
)
from devkit.bench.engines import why_missing
from devkit.bench.models.random_models import TIPO_500M, BenchModel
from devkit.bench.race import Runner, race, rates
from devkit.bench.rows.decode import PROMPT

ROUNDS = 5
NEW_TOKENS = 160
STREAMS = 32
_ONE, _MANY, _PEER = "one stream", "many streams", "transformers"
_RATIO = Aim("gpu 500M bf16, transformers bf16", "tokens/s", at_least_times(15.0))
_RATE = Aim("gpu 500M bf16, one stream", "tokens/s", at_least(1500.0))
_AGGREGATE = Aim(f"gpu 500M bf16, {STREAMS} at once", "tokens/s", at_least(25000.0))
_PAIRS: dict[str, tuple[str, str | None]] = {
    _RATIO.name: (_ONE, _PEER),
    _RATE.name: (_ONE, None),
    _AGGREGATE.name: (_MANY, None),
}


def _gpu(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure | Unmeasured]]:
    device = accelerator()
    if device is None:
        raise Unmeasured("no accelerator")
    folder = str(BenchModel(TIPO_500M, setting.layout).folder(torch.bfloat16))
    ours = {"engine": "ours", "model": folder, "precision": "bf16", "device": device}
    theirs = {"engine": "transformers", "model": folder, "dtype": "bfloat16", "device": device}
    task = {"task": "complete", "prompt": PROMPT, "new_tokens": NEW_TOKENS}
    runners = {
        _ONE: Runner(ours, {**task, "streams": 1}),
        _MANY: Runner(ours, {**task, "streams": STREAMS}),
        _PEER: Runner(theirs, {**task, "streams": 1}, why_missing("transformers", "kgen")),
    }
    pairs = {name: _PAIRS[name] for name in names}
    needed = {one for pair in pairs.values() for one in pair}
    wanted = {name: runner for name, runner in runners.items() if name in needed}
    return rates(race(setting.layout, wanted, ROUNDS), pairs)


def accelerator() -> str | None:
    """Return the kind of the device that torch computes on beside the CPU, if there is one."""
    if not torch.accelerator.is_available():
        return None
    current = torch.accelerator.current_accelerator()
    return None if current is None else current.type


GPU = Benchmark("decode on the GPU", [_RATIO, _RATE, _AGGREGATE], _gpu)
