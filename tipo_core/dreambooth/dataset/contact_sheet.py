"""A sheet of the pictures that are trained on, with the crops as they are, and their names."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw, ImageFont

_CELL = 256  # pixels
_GAP, _LINE = 8, 18
_MOST = 64  # pictures on a sheet
_GROUND, _INK = (24, 26, 32), (206, 210, 218)


def contact_sheet(pictures: Sequence[torch.Tensor], names: Sequence[str]) -> Image.Image:
    """Return pictures (`H, W, 3` in 0..1) in rows, each whole and with its name below.

    At most 64 are shown. A small picture is enlarged without smoothing, which shows its pixels.
    """
    shown = list(zip(pictures, names, strict=True))[:_MOST]
    across = math.ceil(math.sqrt(len(shown)))
    rows = math.ceil(len(shown) / across)
    size = (across * (_CELL + _GAP) + _GAP, rows * (_CELL + _LINE + _GAP) + _GAP)
    sheet = Image.new("RGB", size, _GROUND)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default()
    for number, (pixels, name) in enumerate(shown):
        x = _GAP + number % across * (_CELL + _GAP)
        y = _GAP + number // across * (_CELL + _LINE + _GAP)
        values = (pixels.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
        picture = Image.fromarray(values)
        scale = _CELL / max(picture.size)
        sides = [max(round(side * scale), 1) for side in picture.size]
        method = Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.LANCZOS
        picture = picture.resize((sides[0], sides[1]), method)
        sheet.paste(picture, (x + (_CELL - sides[0]) // 2, y + (_CELL - sides[1]) // 2))
        draw.text((x, y + _CELL + 3), _cut(name, draw, font), fill=_INK, font=font)
    return sheet


def left_out(count: int) -> str:
    """Return a line on pictures that a sheet does not show, '' if it shows all."""
    return f"the preview shows {_MOST} of {count} pictures" if count > _MOST else ""


def _cut(
    name: str, draw: ImageDraw.ImageDraw, font: ImageFont.ImageFont | ImageFont.FreeTypeFont
) -> str:
    """Return a name cut to the width of a cell; Pillow's small font may lack its letters."""
    plain = name.encode("latin-1", "replace").decode("latin-1")
    while len(plain) > 1 and draw.textlength(plain, font=font) > _CELL:
        plain = plain[: max(len(plain) - 4, 1)]
    return plain
