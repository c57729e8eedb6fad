"""The places of pictures and labels in a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from .labels import Fonts, Label

# WebP has no longer side, and Pillow refuses to open a file of more than 179 million pixels.
LARGEST_SIDE = 16383
MOST_PIXELS = 2**27

BACKGROUNDS = {"white": 1.0, "black": 0.0}
AUTO_FONT_SIZE = 0
LARGEST_FONT_SIZE = 256

# An automatic font size is the shortest side of a cell / _FONT_SHARE, less for long column labels.
_FONT_SHARE = 12
_LARGEST_AUTO_FONT = 96
_SMALLEST_AUTO_FONT = 10
_COLUMN_LINES = 2

_SMALLEST_SCALE = 1 / 64


@dataclass(frozen=True)
class GridStyle:
    """The style of a grid. Raises ValueError for values out of range.

    `font_size` of the labels in pixels, 0 for automatic; `gap` between and around the cells in
    pixels; `background` one of `BACKGROUNDS`.
    """

    font_size: int = AUTO_FONT_SIZE
    gap: int = 8
    background: str = "white"

    def __post_init__(self) -> None:
        if not 0 <= self.font_size <= LARGEST_FONT_SIZE:
            raise ValueError(
                f"font_size {self.font_size} is outside 0 to {LARGEST_FONT_SIZE}: give a size in "
                "pixels, or 0 for automatic"
            )
        if self.gap < 0:
            raise ValueError(f"gap {self.gap} is negative: give 0 or more pixels")
        if self.background not in BACKGROUNDS:
            raise ValueError(
                f"background '{self.background}' is unknown: choose {', '.join(BACKGROUNDS)}"
            )


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; x, y is its upper left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Layout:
    """The boxes of pictures and labels. `cells` has those of each cell's pictures, row by row."""

    width: int
    height: int
    scale: float
    cells: tuple[tuple[Box, ...], ...]
    labels: tuple[tuple[Label, Box], ...]

    @property
    def fits(self) -> bool:
        """Whether the grid is within LARGEST_SIDE and MOST_PIXELS."""
        longest = max(self.width, self.height)
        return longest <= LARGEST_SIDE and self.width * self.height <= MOST_PIXELS


@dataclass(frozen=True)
class GridContents:
    """Cells of (pictures, width, height), row by row, and the labels of a grid.

    An axis without labels has one row or column.
    """

    cells: Sequence[tuple[int, int, int]]
    row_labels: Sequence[str]
    column_labels: Sequence[str]

    def layout(self, style: GridStyle, scale: float, fonts: Fonts) -> Layout:
        """Return the layout with each picture at `scale`."""
        columns, gap = max(len(self.column_labels), 1), style.gap
        cells = [_boxes_inside(cell, scale, gap // 2) for cell in self.cells]
        sizes = [(max(b.x + b.width for b in c), max(b.y + b.height for b in c)) for c in cells]
        widths = [max(width for width, _ in sizes[i::columns]) for i in range(columns)]
        heights = [max(h for _, h in sizes[i : i + columns]) for i in range(0, len(sizes), columns)]
        font_size = style.font_size or self._font_size(widths, heights, fonts)

        # Columns and rows are at least as large as their labels: no label is cut.
        above = [
            fonts.label(text, font_size, width)
            for text, width in zip(self.column_labels, widths, strict=False)
        ]
        beside = [fonts.label(text, font_size, widths[0] // 2) for text in self.row_labels]
        if above:
            widths = [max(w, label.width) for w, label in zip(widths, above, strict=True)]
        if beside:
            heights = [max(h, label.height) for h, label in zip(heights, beside, strict=True)]
        left = max((label.width + gap for label in beside), default=0)
        top = max((label.height + gap for label in above), default=0)
        xs = list(accumulate((width + gap for width in widths), initial=gap + left))
        ys = list(accumulate((height + gap for height in heights), initial=gap + top))

        placed = []
        for number, (boxes, (width, height)) in enumerate(zip(cells, sizes, strict=True)):
            row, column = divmod(number, columns)
            x = xs[column] + (widths[column] - width) // 2
            y = ys[row] + (heights[row] - height) // 2
            placed.append(tuple(Box(x + b.x, y + b.y, b.width, b.height) for b in boxes))
        labels = []
        for label, x, width in zip(above, xs, widths, strict=False):
            middle = x + (width - label.width) // 2
            labels.append((label, Box(middle, top - label.height, label.width, label.height)))
        for label, y, height in zip(beside, ys, heights, strict=False):
            middle = y + (height - label.height) // 2
            labels.append((label, Box(left - label.width, middle, label.width, label.height)))
        return Layout(xs[-1], ys[-1], scale, tuple(placed), tuple(labels))

    def _font_size(self, widths: Sequence[int], heights: Sequence[int], fonts: Fonts) -> int:
        """Return a font size for the cells with which no label makes a column wider."""
        size = min(min(*widths, *heights) // _FONT_SHARE, _LARGEST_AUTO_FONT)
        while size > _SMALLEST_AUTO_FONT:
            labels = [
                (fonts.label(text, size, width), width)
                for text, width in zip(self.column_labels, widths, strict=False)
            ]
            if all(one.width <= w and len(one.lines) <= _COLUMN_LINES for one, w in labels):
                return size
            size = int(size * 0.9)
        return _SMALLEST_AUTO_FONT


def fitting_layout(contents: GridContents, style: GridStyle, fonts: Fonts) -> Layout:
    """Return the layout, with pictures scaled down as far as the limits require.

    Raises ValueError if labels and gaps alone exceed the limits.
    """
    whole = layout = contents.layout(style, 1.0, fonts)
    while not layout.fits:
        by_side = LARGEST_SIDE / max(layout.width, layout.height)
        by_area = math.sqrt(MOST_PIXELS / (layout.width * layout.height))
        # Labels and gaps do not shrink with the pictures: several rounds may be needed.
        scale = layout.scale * min(by_side, by_area) * 0.995
        if scale < _SMALLEST_SCALE:
            raise ValueError(
                f"The grid would have {whole.width} x {whole.height} pixels; the limit is "
                f"{LARGEST_SIDE} a side and {MOST_PIXELS} in all, and labels and gaps alone exceed "
                "it: sweep fewer values, or set a smaller gap or font_size"
            )
        layout = contents.layout(style, scale, fonts)
    return layout


def _boxes_inside(cell: tuple[int, int, int], scale: float, gap: int) -> list[Box]:
    """Return the boxes of one cell's pictures, relative to the cell, in a near square of rows and
    columns."""
    count, width, height = cell
    width, height = max(round(width * scale), 1), max(round(height * scale), 1)
    across = math.ceil(math.sqrt(count))
    places = (divmod(i, across) for i in range(count))
    return [Box(x * (width + gap), y * (height + gap), width, height) for y, x in places]
