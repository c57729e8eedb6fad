"""Random numbers, learning rate, batches and loss curve of both training stages."""

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
    """Return the seed of a step; it does not depend on where the run was stopped."""
    text = f"{seed} {stage} {step}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "little")


def step_generator(seed: int, stage: str, step: int) -> torch.Generator:
    """Return the generator of a step, on the CPU, so that all devices get the same numbers."""
    return torch.Generator().manual_seed(step_seed(seed, stage, step))


def learning_rate(peak: float, step: int, steps: int, recipe: Recipe) -> float:
    """Return the rate of a step: linear warm-up, then half a cosine down to `final_share`."""
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
    """A loss curve: each row has means over the steps since the last row, in a CSV and the log."""

    def __init__(self, path: Path, columns: Sequence[str], fresh: bool) -> None:
        """Start the file, or continue it; the last column is a value given to `write`."""
        self._path, self._columns = path, tuple(columns)
        self._sums = [0.0] * (len(columns) - 1)
        self._count = 0
        if fresh or not path.exists():
            path.write_text(",".join(("step", *columns)) + "\n", encoding="utf-8")

    def add(self, *values: float) -> None:
        """Add the values of one step, one for each column but the last."""
        self._sums = [total + value for total, value in zip(self._sums, values, strict=True)]
        self._count += 1

    def write(self, step: int, last: float) -> None:
        """Write a row and reset the means."""
        means = [total / max(1, self._count) for total in self._sums]
        row = [f"{value:.5g}" for value in (*means, last)]
        with self._path.open("a", encoding="utf-8") as file:
            file.write(",".join((str(step), *row)) + "\n")
        text = "  ".join(f"{n} {v}" for n, v in zip(self._columns, row, strict=True))
        log.info("%s step %d  %s", self._path.stem, step, text)
        self._sums, self._count = [0.0] * len(self._sums), 0
