"""Short texts as pixels, in the font that Pillow contains: no system font is needed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import torch
from PIL import Image, ImageDraw, ImageFont


@dataclass(frozen=True)
class Label:
    """Lines of text, each centred in a box of `width` x `height` pixels with padding."""

    lines: tuple[str, ...]
    font_size: int
    width: int
    height: int


class Fonts:
    """Pillow's own font, loaded once for each size."""

    def __init__(self) -> None:
        self._fonts: dict[int, ImageFont.FreeTypeFont] = {}

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """Return the font at a size in pixels. Needs Pillow 10.1 or newer."""
        if size not in self._fonts:
            font = ImageFont.load_default(size)
            assert isinstance(font, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
            self._fonts[size] = font
        return self._fonts[size]

    def label(self, text: str, size: int, width: int) -> Label:
        """Wrap `text` at spaces and underscores into lines of at most `width` pixels.

        A longer word makes the label wider: no text is cut.
        """
        font = self.at(size)
        padding = 2 * _padding(size)
        lines = [""]
        for piece in re.split(r"(?<=[ _])", text):
            joined = lines[-1] + piece
            if not lines[-1] or _ink_width(joined.rstrip(), font) + padding <= width:
                lines[-1] = joined
            else:
                lines.append(piece)
        lines = [line.strip() for line in lines]
        widest = max(_ink_width(line, font) for line in lines)
        height = len(lines) * _line_height(font) + padding
        return Label(tuple(lines), size, widest + padding, height)

    def coverage(self, label: Label) -> torch.Tensor:
        """Return the share of each pixel of a label that ink covers: (H, W), 0..1."""
        font = self.at(label.font_size)
        picture = Image.new("L", (label.width, label.height), 0)
        draw = ImageDraw.Draw(picture)
        for number, line in enumerate(label.lines):
            # Text is placed by its origin, and its ink may begin left or right of it.
            x = (label.width - _ink_width(line, font)) // 2 - math.floor(font.getbbox(line)[0])
            y = _padding(label.font_size) + number * _line_height(font)
            draw.text((x, y), line, fill=255, font=font)
        pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
        return pixels.reshape(label.height, label.width).float() / 255


def _padding(font_size: int) -> int:
    return max(font_size // 4, 2)


def _ink_width(line: str, font: ImageFont.FreeTypeFont) -> int:
    left, _, right, _ = font.getbbox(line)
    return math.ceil(right) - math.floor(left)


def _line_height(font: ImageFont.FreeTypeFont) -> int:
    return sum(font.getmetrics())
