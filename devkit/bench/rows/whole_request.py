"""Rows of a whole request, tags and caption, against tipo-kgen's expansion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from devkit.bench.benchmark import Aim, Benchmark, Figure, Setting, Unmeasured, at_least_times
from devkit.bench.engines import why_missing
from devkit.bench.models.random_models import TIPO_200M, BenchModel
from devkit.bench.race import Pace, Runner, race

ROUNDS = 3
TAGS = "1girl, cat ears, reading a book"
_BARS = {1: 1.5, 4: 4.0}
_PEER = "tipo-kgen"
# Largest relative difference between the tokens per variant.
_TOLERANCE = 0.02

_ROWS = {
    f"request {precision}, {variants} variant{'s' * (variants > 1)}, tipo-kgen on llama.cpp F16": (
        precision,
        variants,
    )
    for precision in ("int8", "auto")
    for variants in _BARS
}


def _requests(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure | Unmeasured]]:
    """Yield variants per minute. tipo-kgen writes one variant per run."""
    missing = why_missing("llama_cpp", "kgen")
    if missing:
        raise Unmeasured(missing)
    model = BenchModel(TIPO_200M, setting.layout)
    peer = {"engine": "llama.cpp", "model": str(model.gguf("F16"))}
    runners = {_PEER: Runner(peer, {"task": "request", "tags": TAGS, "variants": 1})}
    for name in names:
        precision, variants = _ROWS[name]
        engine = {"engine": "ours", "model": str(model.folder()), "precision": precision}
        runners[name] = Runner(engine, {"task": "request", "tags": TAGS, "variants": variants})
    paces = race(setting.layout, runners, ROUNDS)
    for name in names:
        yield name, compared(paces[name], paces[_PEER], _ROWS[name][1])


def compared(
    ours: Pace | Unmeasured, peer: Pace | Unmeasured, variants: int
) -> Figure | Unmeasured:
    """Return the variants per minute of both, if their variants have equally many tokens."""
    if isinstance(ours, Unmeasured):
        return ours
    if isinstance(peer, Unmeasured):
        return peer
    each = ours.tokens / variants
    if abs(each - peer.tokens) > _TOLERANCE * peer.tokens:
        return Unmeasured(
            f"{each:g} tokens per variant and tipo-kgen's {peer.tokens:g} are not the same work"
        )
    return Figure(60 * variants / ours.seconds, 60 / peer.seconds)


REQUEST = Benchmark(
    "expand tags to tags and a caption",
    [
        Aim(name, "variants/min", at_least_times(_BARS[variants]) if precision == "int8" else None)
        for name, (precision, variants) in _ROWS.items()
    ],
    _requests,
)
