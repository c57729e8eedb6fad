"""The report and the chart of a training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..evaluate.chart import Chart, Series
from .training_loop import StepRecord, smoothed

if TYPE_CHECKING:
    from PIL import Image

_MOST_ROWS = 12


def loss_chart(records: Sequence[StepRecord]) -> Image.Image:
    """Return the chart of the smoothed losses over the steps; one step gives a short line."""
    steps = [record.step for record in records]
    series = [_curve("loss", steps, [record.loss for record in records])]
    if not math.isnan(records[0].prior):
        series.append(_curve("subject", steps, [record.instance for record in records]))
        series.append(_curve("class", steps, [record.prior for record in records]))
    return Chart("training loss, moving average", "step", "loss", series).picture()


def _curve(name: str, steps: Sequence[int], losses: list[float]) -> Series:
    points = list(zip(map(float, steps), smoothed(losses), strict=True))
    return Series(name, points, mark="line")


def loss_rows(records: Sequence[StepRecord]) -> list[str]:
    """Return the smoothed losses at up to twelve steps as lines of a table."""
    if not records:
        return []
    has_prior = not math.isnan(records[0].prior)
    curves = [smoothed([record.loss for record in records])]
    if has_prior:
        curves.append(smoothed([record.instance for record in records]))
        curves.append(smoothed([record.prior for record in records]))
    head = ["step", "loss", *(["subject", "class"] if has_prior else []), "rate"]
    count = min(len(records), _MOST_ROWS)
    places = sorted({round((n + 1) * len(records) / count) - 1 for n in range(count)})
    rows = [" ".join(f"{title:>9}" for title in head)]
    for place in places:
        values = [f"{curve[place]:.5f}" for curve in curves]
        row = [str(records[place].step), *values, f"{records[place].rate:.3g}"]
        rows.append(" ".join(f"{value:>9}" for value in row))
    return rows


def duration(seconds: float) -> str:
    """Return a duration as '1 h 05 min', '3 min 20 s' or '12 s'."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"
