"""Many samples, made in several processes."""

from __future__ import annotations

import logging
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from pathlib import Path

import numpy as np

from .samples import BLOCK, Sample, SampleSource

log = logging.getLogger("tipo-suite")


def make_samples(folder: Path, total: int, source: SampleSource, workers: int) -> list[Sample]:
    """Return the first `total` samples of `source`, whose corpora are in `folder`.

    `workers` processes share the work; how many they are changes nothing in the samples.
    """
    samples: list[Sample] = []
    if workers <= 1:
        for number in count():
            samples += source.block(number)
            if len(samples) >= total:
                return _counted(samples, number + 1, total)
    with ProcessPoolExecutor(
        workers, initializer=_start_worker, initargs=(folder, source.seed, source.biases)
    ) as pool:
        for first in count(step=workers):
            for block in pool.map(_worker_block, range(first, first + workers)):
                samples += block
            if len(samples) >= total:
                return _counted(samples, first + workers, total)
    raise AssertionError("count() ended")


def _counted(samples: list[Sample], blocks: int, total: int) -> list[Sample]:
    """Return the first `total` samples of so many blocks; log how many the block list kept out."""
    drafts = blocks * BLOCK
    log.info("the block list left out %d of %d drafts", drafts - len(samples), drafts)
    return samples[:total]


_worker_source: list[SampleSource] = []


def _start_worker(folder: Path, seed: int, biases: np.ndarray) -> None:
    _worker_source[:] = [SampleSource(folder, seed, biases=biases)]


def _worker_block(number: int) -> list[Sample]:
    return _worker_source[0].block(number)
