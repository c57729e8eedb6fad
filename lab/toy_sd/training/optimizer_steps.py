"""What the steps of both stages share: their random numbers, learning rate, batches and log."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from .toy_sd_recipe import Recipe

log = logging.getLogger("tipo-suite")


def step_seed(seed: int, stage: str, step: int) -> int:
    """Return the seed of a step: a run that was stopped draws on as if it had not been."""
    text = f"{seed} {stage} {step}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "little")


def step_generator(seed: int, stage: str, step: int) -> torch.Generator:
    """Return the random numbers of a step, made on the CPU, so the same for every device."""
    return torch.Generator().manual_seed(step_seed(seed, stage, step))


def learning_rate(peak: float, step: int, steps: int, recipe: Recipe) -> float:
    """Return the rate of a step: a linear start, then half a cosine down to `final_share`."""
    if step < recipe.warmup:
        return peak * (step + 1) / recipe.warmup
    done = (step - recipe.warmup) / max(1, steps - recipe.warmup)
    share = (1 + math.cos(math.pi * min(1.0, done))) / 2
    return peak * (recipe.final_share + (1 - recipe.final_share) * share)


def mixed_precision(device: torch.device, recipe: Recipe) -> torch.autocast:
    """Return the context that the forward pass of a step runs in."""
    return torch.autocast(device.type, torch.bfloat16, enabled=bool(recipe.bf16))


def as_batch(drawn: np.ndarray, rows: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return rows of pictures `N, H, W, 3` (uint8) as `B, 3, H, W` in 0..1."""
    some = torch.from_numpy(np.ascontiguousarray(drawn[rows.numpy()]))
    return some.to(device).permute(0, 3, 1, 2).float() / 255


class Curve:
    """A loss curve: means since the last row, as a line of a CSV file and of the log."""

    def __init__(self, path: Path, columns: Sequence[str], fresh: bool) -> None:
        """Begin the file, or go on with it; the last column is not a mean but given at the end."""
        self._path, self._columns = path, tuple(columns)
        self._sums = [0.0] * (len(columns) - 1)
        self._count = 0
        if fresh or not path.exists():
            path.write_text(",".join(("step", *columns)) + "\n", encoding="utf-8")

    def add(self, *values: float) -> None:
        """Count the values of a step, one a column but the last."""
        self._sums = [total + value for total, value in zip(self._sums, values, strict=True)]
        self._count += 1

    def write(self, step: int, last: float) -> None:
        """Write a row and begin anew."""
        means = [total / max(1, self._count) for total in self._sums]
        row = [f"{value:.5g}" for value in (*means, last)]
        with self._path.open("a", encoding="utf-8") as file:
            file.write(",".join((str(step), *row)) + "\n")
        text = "  ".join(f"{n} {v}" for n, v in zip(self._columns, row, strict=True))
        log.info("%s step %d  %s", self._path.stem, step, text)
        self._sums, self._count = [0.0] * len(self._sums), 0
