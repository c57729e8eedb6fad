"""Run the same work in several programs by turns, so that the machine's drift affects all alike."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch

from devkit.bench.benchmark import Figure, Unmeasured
from devkit.bench.worker import Worker
from devkit.messages import say
from devkit.setup.layout import Layout


@dataclass(frozen=True)
class Runner:
    """A program with its model, and its work in each round.

    `engine` has the arguments of the worker's `open`; `task` has the name and the arguments of the
    work, without the seed. `missing` is the reason why the program cannot run here, or empty.
    """

    engine: Mapping[str, Any]
    task: Mapping[str, Any]
    missing: str = ""


@dataclass(frozen=True)
class Pace:
    """A program's tokens, seconds and tokens per second: medians of its rounds."""

    tokens: float
    seconds: float
    rate: float


Paces = Mapping[str, Pace | Unmeasured]


def race(layout: Layout, runners: Mapping[str, Runner], rounds: int) -> Paces:
    """Return the pace of each runner by name; all stay loaded, one works at a time.

    The first round is a warm-up.
    """
    times: dict[str, list[tuple[int, float]]] = {}
    failures: dict[str, Unmeasured] = {}
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for name, runner in runners.items():
            if runner.missing:
                failures[name] = Unmeasured(runner.missing)
                continue
            workers[name] = stack.enter_context(Worker(layout, name))
            try:
                workers[name].ask("open", threads=torch.get_num_threads(), **runner.engine)
            except Unmeasured as error:
                failures[name] = error
        for seed in range(rounds + 1):
            for name, runner in runners.items():
                if name in failures:
                    continue
                try:
                    answer = workers[name].ask(seed=seed, **runner.task)
                except Unmeasured as error:
                    failures[name] = error
                else:
                    times.setdefault(name, []).append((answer["tokens"], answer["seconds"]))
                    say(f"  {name}: {answer['tokens']} tokens in {answer['seconds']:.2f} s")
    paces = {name: _pace(done[1:]) for name, done in times.items() if name not in failures}
    return {**paces, **failures}


def _pace(rounds: Sequence[tuple[int, float]]) -> Pace:
    return Pace(
        statistics.median(tokens for tokens, _ in rounds),
        statistics.median(seconds for _, seconds in rounds),
        statistics.median(tokens / seconds for tokens, seconds in rounds),
    )


def rates(
    paces: Paces, pairs: Mapping[str, tuple[str, str | None]]
) -> Iterator[tuple[str, Figure | Unmeasured]]:
    """Yield the tokens per second of each row's runner and of its peer, if it has one."""
    for row, (ours, peer) in pairs.items():
        found = [paces[name] for name in (ours, peer) if name is not None]
        failed = next((one for one in found if isinstance(one, Unmeasured)), None)
        numbers = [one.rate for one in found if isinstance(one, Pace)]
        yield row, failed or Figure(*numbers)
