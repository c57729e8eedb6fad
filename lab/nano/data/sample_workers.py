"""Many samples, made in several processes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tipo_core.training.workers import pieces

from .samples import BLOCK, Sample, SampleSource

log = logging.getLogger("tipo-suite")


def make_samples(folder: Path, total: int, source: SampleSource, workers: int) -> list[Sample]:
    """Return the first `total` samples of `source`, whose corpora are in `folder`.

    `workers` processes share the work; how many they are changes nothing in the samples. How many
    drafts the block list kept out is logged.
    """
    samples: list[Sample] = []
    drafts = 0
    for block in pieces(_blocks, (folder, source.seed, source.biases), workers):
        samples += block
        drafts += BLOCK
        if len(samples) >= total:
            break
    log.info("the block list left out %d of %d drafts", drafts - len(samples), drafts)
    return samples[:total]


def _blocks(folder: Path, seed: int, biases: np.ndarray) -> Callable[[int], list[Sample]]:
    return SampleSource(folder, seed, biases=biases).block
