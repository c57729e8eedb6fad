"""Draws pictures in rows and columns with labels as one picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .grid_layout import (
    BACKGROUNDS,
    LARGEST_SIDE,
    MOST_PIXELS,
    Box,
    GridContents,
    GridStyle,
    Layout,
    fitting_layout,
)
from .labels import Fonts


def draw_grid(
    batches: Sequence[torch.Tensor],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    style: GridStyle,
) -> tuple[torch.Tensor, Layout]:
    """Return the grid (H, W, 3) in 0..1 and its layout.

    `batches` are the cells row by row, each (B, H, W, C) in 0..1 with 1, 3 or 4 channels; several
    pictures of one cell lie side by side. Pictures keep every value, unless the grid would exceed
    `LARGEST_SIDE` or `MOST_PIXELS`: then all are scaled down (`Layout.scale`), before anything is
    drawn. Raises ValueError for a wrong number of cells or channels, and if labels and gaps
    alone exceed the limits.
    """
    rows, columns = max(len(row_labels), 1), max(len(column_labels), 1)
    if len(batches) != rows * columns:
        raise ValueError(
            f"The sweep has {rows} rows x {columns} columns = {rows * columns} cells, the list of "
            f"pictures has {len(batches)}: connect pictures that were sampled with the outputs of "
            "this sweep, and connect its output for each parameter that it changes"
        )
    for batch in batches:
        if batch.ndim != 4 or batch.shape[-1] not in (1, 3, 4) or 0 in batch.shape:
            raise ValueError(
                f"A cell has the shape {tuple(batch.shape)}: connect pictures (B, H, W, C) with 1, "
                "3 or 4 channels"
            )
    cells = [(batch.shape[0], batch.shape[2], batch.shape[1]) for batch in batches]
    fonts = Fonts()
    layout = fitting_layout(GridContents(cells, row_labels, column_labels), style, fonts)
    ground = BACKGROUNDS[style.background]
    grid = torch.full((layout.height, layout.width, 3), ground)
    for batch, boxes in zip(batches, layout.cells, strict=True):
        for picture, box in zip(batch, boxes, strict=True):
            _place(grid, _fitted(_opaque(picture, ground), box), box)
    for label, box in layout.labels:
        # The ink has the opposite value of the background.
        ink = fonts.coverage(label)[..., None]
        _place(grid, ink * (1 - ground) + (1 - ink) * ground, box)
    return grid, layout


def grid_report(layout: Layout, names: Sequence[str], columns: int) -> str:
    """Report the grid's size, then the place of the pictures of each cell, one line per cell.

    `names` are the texts of the cells, row by row.
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


def _opaque(picture: torch.Tensor, ground: float) -> torch.Tensor:
    """(H, W, 1, 3 or 4) -> (H, W, 3); transparent pixels are laid over the value `ground`."""
    picture = picture.detach().to("cpu", torch.float32)
    if picture.shape[-1] == 4:
        alpha = picture[..., 3:]
        return picture[..., :3] * alpha + ground * (1 - alpha)
    return picture.expand(-1, -1, 3)


def _fitted(picture: torch.Tensor, box: Box) -> torch.Tensor:
    """Return the picture (H, W, 3) at the size of its box; unchanged at that size."""
    if picture.shape[:2] == (box.height, box.width):
        return picture
    smaller = torch.nn.functional.interpolate(
        picture.movedim(-1, 0)[None], (box.height, box.width), mode="bicubic", antialias=True
    )
    return smaller[0].movedim(0, -1).clamp(0, 1)


def _place(grid: torch.Tensor, picture: torch.Tensor, box: Box) -> None:
    grid[box.y : box.y + box.height, box.x : box.x + box.width] = picture
