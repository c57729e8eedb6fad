"""Charts of the `--plot` options, drawn with Pillow, which every ComfyUI has (matplotlib not)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..pictures.sampling.labels import Fonts

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageDraw import ImageDraw

# In pixels: the chart, the plot area in it, the fonts.
_SIZE = (960, 640)
_LEFT, _TOP, _RIGHT, _BOTTOM = 110, 60, 930, 560
_FONT, _TITLE_FONT = 16, 20
_TICKS = 6  # about this many intervals per axis
_LONGEST = 32  # characters of a name in the legend
# Blue, orange and green that colour-blind readers can distinguish.
_COLOURS = ("#1f77b4", "#ff7f0e", "#117733")
_MARKS = ("points", "line", "curve", "bars")


@dataclass(frozen=True)
class Series:
    """Points (x, y) of one name, as `mark`: points, line, both (curve), or bars of `width`."""

    name: str
    points: Sequence[tuple[float, float]]
    mark: str = "points"
    width: float = 1.0

    def __post_init__(self) -> None:
        if self.mark not in _MARKS:
            raise ValueError(f"mark {self.mark!r} is unknown: choose {', '.join(_MARKS)}")


@dataclass(frozen=True)
class Chart:
    """Series over two axes; `y_range` limits the second axis, by default to the data."""

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    y_range: tuple[float, float] | None = None

    def save(self, path: Path) -> None:
        """Draw the chart into `path`, in the format of its suffix. Raises ValueError for others."""
        from PIL import Image

        Image.init()
        if path.suffix.lower() not in Image.EXTENSION:
            raise ValueError(f"{path} has no picture format's suffix: end it in .png")
        self.picture().save(path)

    def picture(self) -> Image.Image:
        """Return the chart as a picture."""
        from PIL import Image, ImageDraw

        picture = Image.new("RGB", _SIZE, "white")
        draw = ImageDraw.Draw(picture)
        fonts = Fonts()
        xs, ys = self._ranges()
        middle = (_LEFT + _RIGHT) / 2
        draw.text((middle, 12), self.title, "black", fonts.at(_TITLE_FONT), anchor="ma")
        draw.text((middle, _BOTTOM + 36), self.x_label, "black", fonts.at(_FONT), anchor="ma")
        draw.text((12, _TOP - 24), self.y_label, "black", fonts.at(_FONT))
        for tick in ticks(*xs):
            x = _across(tick, xs)
            draw.line((x, _TOP, x, _BOTTOM), "#e0e0e0")
            draw.text((x, _BOTTOM + 8), f"{tick:g}", "black", fonts.at(_FONT), anchor="ma")
        for tick in ticks(*ys):
            y = _down(tick, ys)
            draw.line((_LEFT, y, _RIGHT, y), "#e0e0e0")
            draw.text((_LEFT - 8, y), f"{tick:g}", "black", fonts.at(_FONT), anchor="rm")
        for number, series in enumerate(self.series):
            colour = _COLOURS[number % len(_COLOURS)]
            _draw_series(draw, series, colour, xs, ys)
        draw.rectangle((_LEFT, _TOP, _RIGHT, _BOTTOM), outline="black")
        if len(self.series) > 1:
            # The legend stands above the chart, from the right, and covers no point.
            right = float(_RIGHT)
            for series, colour in reversed(list(zip(self.series, _COLOURS, strict=False))):
                name = series.name if len(series.name) <= _LONGEST else series.name[:_LONGEST] + "~"
                draw.text((right, _TOP - 14), name, "black", fonts.at(_FONT), anchor="rm")
                right -= fonts.at(_FONT).getlength(name) + 22
                draw.rectangle((right, _TOP - 21, right + 14, _TOP - 7), colour)
                right -= 18
        return picture

    def _ranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the ranges of both axes; bars start at 0."""
        xs, ys = [], []
        for series in self.series:
            half = series.width / 2 if series.mark == "bars" else 0.0
            xs += [x + side for x, _ in series.points for side in (-half, half)]
            ys += [y for _, y in series.points] + [0.0] * (series.mark == "bars")
        return _with_room(xs), _with_room(self.y_range or ys)


def ticks(low: float, high: float) -> list[float]:
    """Return about six round numbers (1, 2 or 5 times a power of ten) from low to high."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def histogram(values: Sequence[float]) -> tuple[list[tuple[float, float]], float]:
    """Return (middle, count) of equal bins from the smallest to the largest, and their width.

    There are 2 N^(1/3) bins (Rice's rule).
    """
    bins = math.ceil(2 * len(values) ** (1 / 3))
    low, high = min(values), max(values)
    width = (high - low) / bins or 1.0
    counts = [0] * bins
    for value in values:
        counts[min(int((value - low) / width), bins - 1)] += 1
    return [(low + (n + 0.5) * width, float(count)) for n, count in enumerate(counts)], width


def _with_room(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return low - room, high + room


def _across(x: float, xs: tuple[float, float]) -> float:
    return _LEFT + (x - xs[0]) / (xs[1] - xs[0]) * (_RIGHT - _LEFT)


def _down(y: float, ys: tuple[float, float]) -> float:
    return _BOTTOM - (y - ys[0]) / (ys[1] - ys[0]) * (_BOTTOM - _TOP)


def _draw_series(
    draw: ImageDraw,
    series: Series,
    colour: str,
    xs: tuple[float, float],
    ys: tuple[float, float],
) -> None:
    places = [(_across(x, xs), _down(y, ys)) for x, y in series.points]
    if series.mark in ("line", "curve"):
        draw.line(places, colour, width=2)
    if series.mark in ("points", "curve"):
        for x, y in places:
            draw.ellipse((x - 3, y - 3, x + 3, y + 3), colour)
    if series.mark == "bars":
        ground = _down(0.0, ys)
        half = (_across(series.width, xs) - _across(0.0, xs)) / 2
        for x, y in places:
            draw.rectangle((x - half, y, x + half, ground), colour, outline="white")
