"""Train tipo-nano: samples from the corpora, then the training that users have too."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tipo_core.training.train import Recipe, train

from .data.samples import SampleSource, make_samples
from .data.tag_fit import ROUNDS

log = logging.getLogger("tipo-suite")


@dataclass(frozen=True)
class NanoRecipe(Recipe):
    """The recipe of a TIPO model, and the number of samples and of rounds that fit tag biases.

    The defaults made the model that ships.
    """

    held_out: int = 512
    samples: int = 260_000
    fit_rounds: int = ROUNDS


def train_nano(corpora: Path, out: Path, recipe: NanoRecipe, start: Path | None = None) -> None:
    """Train on the corpora in a folder and write the model to `out`.

    A new run begins with the weights of the model folder `start`, if one is given.

    The fitted tag biases are kept in `out`, so that a run that continues does not fit them again.
    """
    out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    biases_file = out / "tag_biases.npy"
    biases = np.load(biases_file) if biases_file.exists() else None
    source = SampleSource(corpora, recipe.seed, biases=biases, fit_rounds=recipe.fit_rounds)
    np.save(biases_file, source.biases)
    samples = make_samples(corpora, recipe.samples + recipe.held_out, source, recipe.workers)
    log.info("%d samples in %.0f s", len(samples), time.monotonic() - started)
    train(samples, out, recipe, start)
