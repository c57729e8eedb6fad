"""Rows of decoding.

On the CPU: one stream, eight streams at once, a mixture of experts. On a GPU: bf16.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from devkit.bench.benchmark import (
    Aim,
    Bar,
    Benchmark,
    Figure,
    Setting,
    Unmeasured,
    at_least,
    at_least_times,
)
from devkit.bench.engines import why_missing
from devkit.bench.models.moe_gguf import experts_gguf
from devkit.bench.models.random_models import TIPO_200M, TIPO_500M, BenchModel
from devkit.bench.race import Runner, race, rates

ROUNDS = 4
NEW_TOKENS = 64
# Short, so that decoding takes the time; the chain of words begins after its comma.
PROMPT = "target: <|long|>\ntag: 1girl, solo,"
STREAMS = 8

_Q8, _F16, _HF = "llama.cpp Q8_0", "llama.cpp F16", "transformers fp16"
# Of int8; "auto" has no bar.
_BARS = {_Q8: 1.0, _F16: 1.5, _HF: 3.5}
_PRECISIONS = ("int8", "auto")

Pairs = dict[str, tuple[str, str | None]]


def _bar(precision: str, limit: float) -> Bar | None:
    return at_least_times(limit) if precision == "int8" else None


def _complete(streams: int = 1) -> dict[str, object]:
    return {"task": "complete", "prompt": PROMPT, "new_tokens": NEW_TOKENS, "streams": streams}


def ours(model: str, precision: str, streams: int = 1) -> Runner:
    """Return our decoding of a model."""
    engine = {"engine": "ours", "model": model, "precision": precision}
    return Runner(engine, _complete(streams))


def llama_cpp(model: str) -> Runner:
    """Return llama.cpp's decoding of a model."""
    engine = {"engine": "llama.cpp", "model": model}
    return Runner(engine, _complete(), why_missing("llama_cpp"))


def _peer(setting: Setting, name: str) -> Runner:
    model = BenchModel(TIPO_200M, setting.layout)
    if name == _HF:
        missing = why_missing("transformers", "kgen")
        engine = {"engine": "transformers", "model": "" if missing else str(model.folder())}
        return Runner(engine, _complete(), missing)
    # No file is written for a missing program.
    return llama_cpp("" if why_missing("llama_cpp") else str(model.gguf(name.split()[-1])))


_DECODE_PAIRS: Pairs = {
    f"decode {precision}, {peer}": (precision, peer) for precision in _PRECISIONS for peer in _BARS
}
_VARIANT_PAIRS: Pairs = {
    f"variants {precision}, {STREAMS} at once, {_Q8}": (precision, _Q8) for precision in _PRECISIONS
}
_EXPERT_PAIRS: Pairs = {
    f"experts {precision}, {_F16}": (precision, _F16) for precision in ("auto", "int8")
}


def _decode(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure | Unmeasured]]:
    return _against_peers(setting, {name: _DECODE_PAIRS[name] for name in names}, 1)


def _variants(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure | Unmeasured]]:
    return _against_peers(setting, {name: _VARIANT_PAIRS[name] for name in names}, STREAMS)


def _against_peers(
    setting: Setting, pairs: Pairs, streams: int
) -> Iterator[tuple[str, Figure | Unmeasured]]:
    """Let the precisions and the peers that the rows need run in turn."""
    folder = str(BenchModel(TIPO_200M, setting.layout).folder())
    runners = {precision: ours(folder, precision, streams) for precision, _ in pairs.values()}
    runners |= {peer: _peer(setting, peer) for _, peer in pairs.values() if peer}
    return rates(race(setting.layout, runners, ROUNDS), pairs)


def _experts(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure | Unmeasured]]:
    pairs = {name: _EXPERT_PAIRS[name] for name in names}
    peer = llama_cpp("")
    if peer.missing:
        raise Unmeasured(peer.missing)
    model = str(experts_gguf(setting.layout))
    runners = {precision: ours(model, precision) for precision, _ in pairs.values()}
    return rates(race(setting.layout, {**runners, _F16: llama_cpp(model)}, ROUNDS), pairs)


DECODE = Benchmark(
    "decode one stream on the CPU",
    [
        Aim(name, "tokens/s", _bar(precision, _BARS[str(peer)]))
        for name, (precision, peer) in _DECODE_PAIRS.items()
    ],
    _decode,
)
VARIANTS = Benchmark(
    "decode eight streams on the CPU",
    [
        Aim(name, "tokens/s", _bar(precision, 4.0))
        for name, (precision, _) in _VARIANT_PAIRS.items()
    ],
    _variants,
)
EXPERTS = Benchmark(
    "decode one stream of a mixture of experts on the CPU",
    [
        Aim(name, "tokens/s", at_least_times(0.8) if precision == "auto" else None)
        for name, (precision, _) in _EXPERT_PAIRS.items()
    ],
    _experts,
)


_GPU_ROUNDS = 5
_GPU_NEW_TOKENS = 160
_GPU_STREAMS = 32
_GPU_ONE, _GPU_MANY, _GPU_PEER = "one stream", "many streams", "transformers"
_GPU_RATIO = Aim("gpu 500M bf16, transformers bf16", "tokens/s", at_least_times(15.0))
_GPU_RATE = Aim("gpu 500M bf16, one stream", "tokens/s", at_least(1500.0))
_GPU_AGGREGATE = Aim(f"gpu 500M bf16, {_GPU_STREAMS} at once", "tokens/s", at_least(25000.0))
_GPU_PAIRS: dict[str, tuple[str, str | None]] = {
    _GPU_RATIO.name: (_GPU_ONE, _GPU_PEER),
    _GPU_RATE.name: (_GPU_ONE, None),
    _GPU_AGGREGATE.name: (_GPU_MANY, None),
}


def _gpu(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure | Unmeasured]]:
    device = accelerator()
    if device is None:
        raise Unmeasured("no accelerator")
    folder = str(BenchModel(TIPO_500M, setting.layout).folder(torch.bfloat16))
    ours = {"engine": "ours", "model": folder, "precision": "bf16", "device": device}
    theirs = {"engine": "transformers", "model": folder, "dtype": "bfloat16", "device": device}
    task = {"task": "complete", "prompt": PROMPT, "new_tokens": _GPU_NEW_TOKENS}
    runners = {
        _GPU_ONE: Runner(ours, {**task, "streams": 1}),
        _GPU_MANY: Runner(ours, {**task, "streams": _GPU_STREAMS}),
        _GPU_PEER: Runner(theirs, {**task, "streams": 1}, why_missing("transformers", "kgen")),
    }
    pairs = {name: _GPU_PAIRS[name] for name in names}
    needed = {one for pair in pairs.values() for one in pair}
    wanted = {name: runner for name, runner in runners.items() if name in needed}
    return rates(race(setting.layout, wanted, _GPU_ROUNDS), pairs)


def accelerator() -> str | None:
    """Return the type of torch's accelerator; None without one."""
    if not torch.accelerator.is_available():
        return None
    current = torch.accelerator.current_accelerator()
    return None if current is None else current.type


GPU = Benchmark("decode on the GPU", [_GPU_RATIO, _GPU_RATE, _GPU_AGGREGATE], _gpu)
