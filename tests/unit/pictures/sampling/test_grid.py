"""Grids: no pixel of a picture changes, no label is cut, nothing lies over another."""

from __future__ import annotations

from itertools import combinations, product

import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from tipo_core.pictures.sampling import grid_layout
from tipo_core.pictures.sampling.grid import draw_grid
from tipo_core.pictures.sampling.grid import grid_report as report_of
from tipo_core.pictures.sampling.grid_layout import (
    Box,
    GridContents,
    GridStyle,
    Layout,
    fitting_layout,
)
from tipo_core.pictures.sampling.labels import Fonts

ROWS = ["denoise 0.25", "denoise 0.5"]
COLUMNS = ["cfg 4", "cfg 6.5", "sampler_name dpmpp_2m_sde_gpu"]


def pictures(*sizes: tuple[int, int, int]) -> list[torch.Tensor]:
    """Batches of (pictures, width, height)."""
    numbers = torch.Generator().manual_seed(5)
    return [torch.rand(count, h, w, 3, generator=numbers) for count, w, h in sizes]


def cut(grid: torch.Tensor, box: Box) -> torch.Tensor:
    return grid[box.y : box.y + box.height, box.x : box.x + box.width]


def boxes_of(layout: Layout) -> list[Box]:
    return [box for cell in layout.cells for box in cell] + [box for _, box in layout.labels]


def assert_nothing_overlaps(layout: Layout) -> None:
    for box in boxes_of(layout):
        assert box.x >= 0 and box.x + box.width <= layout.width
        assert box.y >= 0 and box.y + box.height <= layout.height
    for a, b in combinations(boxes_of(layout), 2):
        beside = a.x + a.width <= b.x or b.x + b.width <= a.x
        assert beside or a.y + a.height <= b.y or b.y + b.height <= a.y


@pytest.mark.parametrize(
    "style", [GridStyle(), GridStyle(20, 0, "black"), GridStyle(font_size=9, gap=31)]
)
def test_every_picture_lies_in_the_grid_to_the_bit(style: GridStyle) -> None:
    sizes = [(1, 64, 48), (3, 20, 33), (1, 8, 70), (2, 40, 40), (1, 64, 48), (5, 16, 16)]
    batches = pictures(*sizes)
    before = [batch.clone() for batch in batches]
    grid, layout = draw_grid(batches, ROWS, COLUMNS, style)
    assert grid.shape == (layout.height, layout.width, 3) and layout.scale == 1.0
    for batch, boxes in zip(before, layout.cells, strict=True):
        assert len(batch) == len(boxes)
        for picture, box in zip(batch, boxes, strict=True):
            assert torch.equal(cut(grid, box), picture)
    assert all(torch.equal(a, b) for a, b in zip(batches, before, strict=True))
    assert_nothing_overlaps(layout)
    # All other pixels are background.
    for box in boxes_of(layout):
        cut(grid, box)[:] = {"white": 1.0, "black": 0.0}[style.background]
    assert (grid == grid[0, 0, 0]).all()


def test_cells_are_row_by_row_with_labels_above_and_left() -> None:
    sizes = [(1, 64, 64)] * 5 + [(1, 24, 40)]
    _, layout = draw_grid(pictures(*sizes), ROWS, COLUMNS, GridStyle())
    cells = [boxes[0] for boxes in layout.cells]
    above, beside = layout.labels[:3], layout.labels[3:]
    assert [" ".join(label.lines).replace("_ ", "_") for label, _ in above] == COLUMNS
    assert [" ".join(label.lines) for label, _ in beside] == ROWS
    for number, (_, box) in enumerate(above):
        assert box.y + box.height <= cells[number].y
        middle = cells[number].x + cells[number].width / 2
        assert abs(box.x + box.width / 2 - middle) <= 1
    for number, (_, box) in enumerate(beside):
        assert box.x + box.width <= cells[3 * number].x
        assert abs(box.y + box.height / 2 - cells[3 * number].y - 32) <= 1
    # The small one is in the middle of its cell, which is as large as those beside it.
    small, over = cells[5], cells[2]
    assert small.x - over.x == over.width - small.width - (small.x - over.x)
    assert small.y - cells[4].y == 12


def test_an_axis_that_is_not_there_takes_no_room() -> None:
    gap = GridStyle().gap
    (batch,) = pictures((1, 64, 48))
    _, alone = draw_grid([batch], [], [], GridStyle())
    assert (alone.width, alone.height) == (64 + 2 * gap, 48 + 2 * gap)
    _, column = draw_grid([batch] * 2, ROWS, [], GridStyle())
    assert column.height == 2 * 48 + 3 * gap and column.width > alone.width
    _, row = draw_grid([batch] * 2, [], COLUMNS[:2], GridStyle())
    assert row.width == 2 * 64 + 3 * gap and row.height > alone.height


@pytest.mark.parametrize("size", [9, 12, 24])
def test_no_label_is_cut(size: int) -> None:
    """A label has as much ink as on a canvas with room on all sides."""
    fonts, font = Fonts(), ImageFont.load_default(size)
    for text, width in product(("seed 18446744073709551615", COLUMNS[2], "Qjgy|_"), (1, 150, 999)):
        label = fonts.label(text, size, width)
        assert "".join(label.lines).replace(" ", "") == text.replace(" ", "")
        assert label.width <= width or " " not in "".join(label.lines)
        ink = fonts.coverage(label)
        assert ink.shape == (label.height, label.width)
        expected = 0
        for line in label.lines:
            canvas = Image.new("L", (25 * size, 3 * size))
            ImageDraw.Draw(canvas).text((size, size), line, fill=255, font=font)
            expected += sum(level * count for level, count in enumerate(canvas.histogram()))
        assert round(float(ink.sum(dtype=torch.float64)) * 255) == expected > 0
        for edge in (ink[0], ink[-1], ink[:, 0], ink[:, -1]):
            assert not edge.any()


@pytest.mark.parametrize(("background", "ground"), [("white", 1.0), ("black", 0.0)])
def test_labels_stand_out(background: str, ground: float) -> None:
    grid, layout = draw_grid(pictures((1, 64, 64)), ["cfg 4"], [], GridStyle(40, 8, background))
    label = cut(grid, layout.labels[0][1])
    assert {0.0, 1.0} <= set(label.unique().tolist())
    assert (label == ground).float().mean() > 0.5


def test_automatic_font_grows_with_the_pictures_and_gives_way_to_long_labels() -> None:
    def size(side: int, columns: list[str]) -> int:
        layout = GridContents([(1, side, side)] * len(columns), [], columns).layout(
            GridStyle(), 1.0, Fonts()
        )
        widths = {b.x - a.x for a, b in zip(layout.cells[0], layout.cells[1], strict=True)}
        assert widths == {side + GridStyle().gap}
        return layout.labels[0][0].font_size

    short, long = COLUMNS[:2], [f"sampler_name {'x' * 40}"] * 2
    assert size(64, short) < size(512, short) < size(1024, short)
    assert size(256, long) < size(256, short)


def test_grey_and_transparent_pictures() -> None:
    grey, clear = torch.full((1, 4, 4, 1), 0.25), torch.full((1, 4, 4, 4), 0.5)
    grid, layout = draw_grid([grey, clear], [], COLUMNS[:2], GridStyle(background="black"))
    assert (cut(grid, layout.cells[0][0]) == 0.25).all()
    assert (cut(grid, layout.cells[1][0]) == 0.25).all()


def test_a_grid_that_is_too_large_is_scaled_before_it_is_made() -> None:
    contents = GridContents([(1, 1024, 1024)] * 400, ["cfg 4"] * 20, ["denoise 0.5"] * 20)
    layout = fitting_layout(contents, GridStyle(), Fonts())
    assert layout.fits and layout.width * layout.height > 0.95 * grid_layout.MOST_PIXELS
    assert 0.5 < layout.scale < 0.6
    assert {(box.width, box.height) for (box,) in layout.cells} == {
        (round(1024 * layout.scale),) * 2
    }
    long = fitting_layout(
        GridContents([(1, 1024, 64)] * 40, [], ["cfg 4"] * 40), GridStyle(), Fonts()
    )
    assert 0.95 * grid_layout.LARGEST_SIDE < long.width <= grid_layout.LARGEST_SIDE
    text = report_of(layout, ["x"] * 400, 20).splitlines()
    assert text[1].startswith(f"pictures scaled to {layout.scale:.3f} of their size: the limit is")
    with pytest.raises(ValueError, match=r"would have \d+ x \d+ pixels; the limit is 16383 a side"):
        fitting_layout(contents, GridStyle(gap=2000), Fonts())


def test_a_scaled_picture_is_the_same_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid_layout, "LARGEST_SIDE", 80)
    halves = torch.zeros(1, 64, 64, 3)
    halves[:, :, 32:] = 1.0
    grid, layout = draw_grid([halves] * 2, [], COLUMNS[:2], GridStyle())
    assert layout.width <= 80 and grid.shape[1] == layout.width
    for (box,) in layout.cells:
        picture = cut(grid, box)
        assert picture[:, : box.width // 2 - 3].max() < 0.05
        assert picture[:, box.width // 2 + 3 :].min() > 0.95
        assert picture.min() >= 0.0 and picture.max() <= 1.0


def test_report_names_each_cell_and_where_it_lies() -> None:
    _, layout = draw_grid(pictures((1, 9, 8), (2, 7, 6)), [], COLUMNS[:2], GridStyle())
    (one,), (left, right) = layout.cells
    size, first, second = report_of(layout, COLUMNS[:2], 2).splitlines()
    assert f"{layout.width} x {layout.height}" in size and "pictures: 3" in size
    assert first.startswith("row 1, column 1: cfg 4 ")
    assert f"9 x 8 at {one.x}, {one.y}" in first
    assert second.startswith("row 1, column 2: cfg 6.5 ")
    for box in (left, right):
        assert f"7 x 6 at {box.x}, {box.y}" in second


def test_wrong_pictures_and_styles_are_named() -> None:
    three = pictures((1, 8, 8), (1, 8, 8), (1, 8, 8))
    with pytest.raises(
        ValueError, match="2 rows x 3 columns = 6 cells, the list of pictures has 3"
    ):
        draw_grid(three, ROWS, COLUMNS, GridStyle())
    with pytest.raises(ValueError, match=r"shape \(8, 8, 3\)"):
        draw_grid([three[0][0]], [], [], GridStyle())
    with pytest.raises(ValueError, match=r"shape \(1, 8, 8, 2\)"):
        draw_grid([torch.zeros(1, 8, 8, 2)], [], [], GridStyle())
    for style, named in (
        ({"font_size": 300}, "font_size 300"),
        ({"gap": -1}, "gap -1"),
        ({"background": "mauve"}, "choose white, black"),
    ):
        with pytest.raises(ValueError, match=named):
            GridStyle(**style)


def test_longest_side_itself_fits() -> None:
    side = grid_layout.LARGEST_SIDE
    assert Layout(side, 1, 1.0, (), ()).fits and Layout(1, side, 1.0, (), ()).fits
    assert not Layout(side + 1, 1, 1.0, (), ()).fits
    assert not Layout(side, side, 1.0, (), ()).fits
