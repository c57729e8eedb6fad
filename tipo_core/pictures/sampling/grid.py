"""Pictures in rows and columns with labels, as one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch

from .labels import Fonts, Label

# WebP holds no longer side, and from 179 million pixels on Pillow refuses to open a file.
LARGEST_SIDE = 16383
MOST_PIXELS = 2**27

BACKGROUNDS = {"white": 1.0, "black": 0.0}
AUTO_FONT_SIZE = 0
LARGEST_FONT_SIZE = 256

# An automatic font size is a share of the shortest side of a cell; less if column labels need it.
_FONT_SHARE = 12
_LARGEST_AUTO_FONT = 96
_SMALLEST_AUTO_FONT = 10
_COLUMN_LINES = 2

_SMALLEST_SCALE = 1 / 64


@dataclass(frozen=True)
class GridStyle:
    """How a grid looks. Raises ValueError for what cannot be drawn.

    `font_size` of the labels in pixels, 0 chooses one; `gap` between and around the cells in
    pixels; `background` one of `BACKGROUNDS`.
    """

    font_size: int = AUTO_FONT_SIZE
    gap: int = 8
    background: str = "white"

    def __post_init__(self) -> None:
        if not 0 <= self.font_size <= LARGEST_FONT_SIZE:
            raise ValueError(
                f"font_size {self.font_size} is outside 0 to {LARGEST_FONT_SIZE}: 0 chooses one"
            )
        if self.gap < 0:
            raise ValueError(f"gap {self.gap} is negative: give 0 or more pixels")
        if self.background not in BACKGROUNDS:
            raise ValueError(
                f"background '{self.background}' is unknown: choose {', '.join(BACKGROUNDS)}"
            )


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, from its upper left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Layout:
    """Where everything lies: `cells` has the boxes of each cell's pictures, row by row."""

    width: int
    height: int
    scale: float
    cells: tuple[tuple[Box, ...], ...]
    labels: tuple[tuple[Label, Box], ...]

    @property
    def fits(self) -> bool:
        """Whether the grid keeps to the limits."""
        longest = max(self.width, self.height)
        return longest <= LARGEST_SIDE and self.width * self.height <= MOST_PIXELS


@dataclass(frozen=True)
class Contents:
    """What a grid holds: cells of (pictures, width, height), row by row, and its labels.

    An axis without labels has one row or column.
    """

    cells: Sequence[tuple[int, int, int]]
    row_labels: Sequence[str]
    column_labels: Sequence[str]

    def layout(self, style: GridStyle, scale: float, fonts: Fonts) -> Layout:
        """Return where everything lies with each picture at `scale`."""
        columns, gap = max(len(self.column_labels), 1), style.gap
        cells = [_boxes_inside(cell, scale, gap // 2) for cell in self.cells]
        sizes = [(max(b.x + b.width for b in c), max(b.y + b.height for b in c)) for c in cells]
        widths = [max(width for width, _ in sizes[i::columns]) for i in range(columns)]
        heights = [max(h for _, h in sizes[i : i + columns]) for i in range(0, len(sizes), columns)]
        font_size = style.font_size or self._font_size(widths, heights, fonts)

        # A column, a row and the space for labels are as large as their labels: none is cut.
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
        """Return a font size that suits the cells and leaves each column its width."""
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


def fitting_layout(contents: Contents, style: GridStyle, fonts: Fonts) -> Layout:
    """Return the layout, its pictures scaled down as far as the limits ask for it.

    Raises ValueError where labels and gaps alone are too large.
    """
    whole = layout = contents.layout(style, 1.0, fonts)
    while not layout.fits:
        by_side = LARGEST_SIDE / max(layout.width, layout.height)
        by_area = math.sqrt(MOST_PIXELS / (layout.width * layout.height))
        # Labels and gaps do not shrink with the pictures: it may take several rounds.
        scale = layout.scale * min(by_side, by_area) * 0.995
        if scale < _SMALLEST_SCALE:
            raise ValueError(
                f"The grid would have {whole.width} x {whole.height} pixels; the limit is "
                f"{LARGEST_SIDE} a side and {MOST_PIXELS} in all, and its labels and gaps leave no "
                "room for pictures: sweep fewer values, or lessen gap and font_size"
            )
        layout = contents.layout(style, scale, fonts)
    return layout


def draw_grid(
    batches: Sequence[torch.Tensor],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    style: GridStyle,
) -> tuple[torch.Tensor, Layout]:
    """Return the grid (H, W, 3) in 0..1 and where its pictures lie.

    `batches` are the cells row by row, each (B, H, W, C) in 0..1 with 1, 3 or 4 channels; several
    pictures of one cell lie side by side. Pictures keep every value, unless the grid would be
    larger than `LARGEST_SIDE` or `MOST_PIXELS`: then all are made smaller (`Layout.scale`). That
    is worked out before anything is drawn. Raises ValueError where the number of cells or the
    channels do not fit, or where not even small pictures help.
    """
    rows, columns = max(len(row_labels), 1), max(len(column_labels), 1)
    if len(batches) != rows * columns:
        raise ValueError(
            f"The sweep has {rows} rows x {columns} columns = {rows * columns} cells, the list of "
            f"pictures has {len(batches)}: link the pictures that were drawn with the outputs of "
            "the same sweep, and link its output for each parameter that it changes"
        )
    for batch in batches:
        if batch.ndim != 4 or batch.shape[-1] not in (1, 3, 4) or 0 in batch.shape:
            raise ValueError(
                f"A cell has the shape {tuple(batch.shape)}: pictures (B, H, W, C) with 1, 3 or 4 "
                "channels can be drawn"
            )
    cells = [(batch.shape[0], batch.shape[2], batch.shape[1]) for batch in batches]
    fonts = Fonts()
    layout = fitting_layout(Contents(cells, row_labels, column_labels), style, fonts)
    ground = BACKGROUNDS[style.background]
    grid = torch.full((layout.height, layout.width, 3), ground)
    for batch, boxes in zip(batches, layout.cells, strict=True):
        for picture, box in zip(batch, boxes, strict=True):
            _place(grid, _fitted(_opaque(picture, ground), box), box)
    for label, box in layout.labels:
        # The ink is the opposite of the ground.
        ink = fonts.coverage(label)[..., None]
        _place(grid, ink * (1 - ground) + (1 - ink) * ground, box)
    return grid, layout


def grid_report(layout: Layout, names: Sequence[str], columns: int) -> str:
    """Return the grid's size and where each cell's pictures lie, a line a cell.

    `names` says what is drawn in each cell, row by row.
    """
    lines = [f"grid {layout.width} x {layout.height}, pictures: {sum(map(len, layout.cells))}"]
    if layout.scale < 1.0:
        lines.append(
            f"pictures scaled to {layout.scale:.3f} of their size: the limit is {LARGEST_SIDE} "
            f"pixels a side and {MOST_PIXELS} in all"
        )
    for number, (name, boxes) in enumerate(zip(names, layout.cells, strict=True)):
        row, column = divmod(number, columns)
        places = "; ".join(f"{b.width} x {b.height} at {b.x}, {b.y}" for b in boxes)
        lines.append(f"row {row + 1}, column {column + 1}: {name} ({places})")
    return "\n".join(lines)


def _boxes_inside(cell: tuple[int, int, int], scale: float, gap: int) -> list[Box]:
    """Return the boxes of one cell's pictures from the cell's corner, in about as many rows as
    columns."""
    count, width, height = cell
    width, height = max(round(width * scale), 1), max(round(height * scale), 1)
    across = math.ceil(math.sqrt(count))
    places = (divmod(i, across) for i in range(count))
    return [Box(x * (width + gap), y * (height + gap), width, height) for y, x in places]


def _opaque(picture: torch.Tensor, ground: float) -> torch.Tensor:
    """(H, W, 1, 3 or 4) -> (H, W, 3), what is transparent over `ground`."""
    picture = picture.detach().to("cpu", torch.float32)
    if picture.shape[-1] == 4:
        alpha = picture[..., 3:]
        return picture[..., :3] * alpha + ground * (1 - alpha)
    return picture.expand(-1, -1, 3)


def _fitted(picture: torch.Tensor, box: Box) -> torch.Tensor:
    """Return the picture (H, W, 3) at the size of its box; unchanged if it has it."""
    if picture.shape[:2] == (box.height, box.width):
        return picture
    smaller = torch.nn.functional.interpolate(
        picture.movedim(-1, 0)[None], (box.height, box.width), mode="bicubic", antialias=True
    )
    return smaller[0].movedim(0, -1).clamp(0, 1)


def _place(grid: torch.Tensor, picture: torch.Tensor, box: Box) -> None:
    grid[box.y : box.y + box.height, box.x : box.x + box.width] = picture
