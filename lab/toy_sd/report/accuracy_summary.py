"""Accuracies of drawn pictures with their standard errors, and the checks of the report."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..drawings.styles import STYLES
from .accuracy_rows import CAPTION, MAIN, TAGS, Point, Row

# The accuracy that the model has to reach, and the CFG values.
BAR = 0.85
BAR_CFGS = (4.0, 5.0, 6.0, 7.0)
_CERTAIN = 2.0  # standard errors

CFGS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0)
STEPS = (4, 6, 8, 10, 15, 20, 30)
CLIP_SKIPS = (1, 2)
DENOISES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True)
class Check:
    """A requirement, whether it is met, and the figures."""

    name: str
    met: bool
    figures: str


def curves() -> dict[str, list[tuple[float, Point]]]:
    """Return the points of each curve, with the setting that varies."""
    return {
        "cfg": [(cfg, Point(cfg=cfg)) for cfg in CFGS],
        "steps": [(steps, Point(steps=steps)) for steps in STEPS],
        "clip_skip": [(skip, Point(clip_skip=skip)) for skip in CLIP_SKIPS],
        "denoise": [(part, Point(denoise=part, from_picture=True)) for part in DENOISES],
    }


def counts(main: int, curve: int) -> dict[Point, int]:
    """Return the number of pictures for each point, the main point first."""
    points = [point for some in curves().values() for _, point in some]
    return {MAIN: max(main, curve)} | {p: curve for p in points if p != MAIN}


def accuracy(row: Row) -> float:
    """Return the share of a picture's parts that match the prompt."""
    return 1 - len(row.wrong) / len(STYLES[row.style].parts)


def chance(rows: Sequence[Row]) -> float:
    """Return the accuracy of drawing the right style with parts at random."""
    shares = {
        name: sum(1 / len(part.choices) for part in style.parts) / len(style.parts)
        for name, style in STYLES.items()
    }
    return sum(shares[row.style] for row in rows) / len(rows)


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard error; the error of a single value is 0."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, 0.0
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, math.sqrt(variance / len(values))


def figures_of(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the figures of pictures: of all, of prompts of tags, of captions."""
    mean, error = mean_and_error([accuracy(row) for row in rows])
    figures: dict[str, Any] = {
        "pictures": len(rows), "accuracy": round(mean, 4), "standard_error": round(error, 4),
    }  # fmt: skip
    for wording, name in ((TAGS, "tags"), (CAPTION, "captions")):
        some = [accuracy(row) for row in rows if row.wording == wording]
        figures[name] = round(sum(some) / len(some), 4) if some else None
    distances = [row.distance for row in rows if row.distance is not None]
    if distances:
        figures["distance"] = round(sum(distances) / len(distances), 5)
    return figures


def by_part(rows: Sequence[Row]) -> dict[str, float]:
    """Return the accuracy of each part of each style, by names such as "planet/ring"."""
    shares = {}
    for style in dict.fromkeys(row.style for row in rows):
        some = [row for row in rows if row.style == style]
        for part in STYLES[style].parts:
            right = sum(part.name not in row.wrong for row in some)
            shares[f"{style}/{part.name}"] = round(right / len(some), 4)
    return shares


def _share(rows: Sequence[Row], holds: Callable[[Row], bool]) -> float:
    return sum(map(holds, rows)) / len(rows)


def summary(rows: Sequence[Row], curve: int) -> dict[str, Any]:
    """Return the report on all rows; curves compare the same first `curve` rows of each point."""
    at: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.row):
        at.setdefault(row.point, []).append(row)
    main = at[MAIN.name]
    report: dict[str, Any] = {
        "main": {
            "settings": asdict(MAIN),
            **figures_of(main),
            "all_parts_right": round(_share(main, lambda row: not row.wrong), 4),
            "style_right": round(_share(main, lambda row: row.style == row.style_read), 4),
            "chance": round(chance(main), 4),
            "by_part": by_part(main),
        }
    }
    for name, points in curves().items():
        report[name] = [
            {name: value, **figures_of(at[point.name][:curve])} for value, point in points
        ]
    of_cfg = {value: at[point.name][:curve] for value, point in curves()["cfg"]}
    report["checks"] = [
        asdict(check)
        for check in (bar_check(of_cfg), denoise_check(report["denoise"]), cfg_check(of_cfg))
    ]
    return report


def bar_check(of_cfg: dict[float, list[Row]]) -> Check:
    """Check that the accuracy reaches the bar at each usual CFG."""
    reached = {cfg: mean_and_error([accuracy(row) for row in of_cfg[cfg]])[0] for cfg in BAR_CFGS}
    figures = ", ".join(f"CFG {cfg:g}: {value:.1%}" for cfg, value in reached.items())
    name = f"accuracy at least {BAR:.0%} at CFG {BAR_CFGS[0]:g} to {BAR_CFGS[-1]:g}, 20 steps"
    return Check(name, min(reached.values()) >= BAR, figures)


def denoise_check(curve: Sequence[dict[str, Any]]) -> Check:
    """Check that the distance from the start pictures never falls with more denoise."""
    distances = [point["distance"] for point in curve]
    figures = ", ".join(f"{p['denoise']:g}: {p['distance']:.4f}" for p in curve)
    return Check(
        "distance from the start rises with denoise", distances == sorted(distances), figures
    )


def cfg_check(of_cfg: dict[float, list[Row]]) -> Check:
    """Check that accuracy rises with CFG, then falls: the best is better than both ends.

    A difference counts above two standard errors; prompts and noise are the same at each CFG.
    """
    means = {cfg: sum(map(accuracy, rows)) / len(rows) for cfg, rows in of_cfg.items()}
    best = max(means, key=lambda cfg: means[cfg])
    parts, met = [f"best at CFG {best:g}: {means[best]:.1%}"], True
    for end in (min(means), max(means)):
        pairs = zip(of_cfg[best], of_cfg[end], strict=True)
        more, error = mean_and_error([accuracy(one) - accuracy(two) for one, two in pairs])
        met &= more > _CERTAIN * error and more > 0
        parts.append(f"CFG {end:g}: {means[end]:.1%} (less by {more:.1%} +- {error:.1%})")
    return Check("accuracy rises with CFG, then falls", met, ", ".join(parts))
