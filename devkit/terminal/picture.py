"""A picture as text for a terminal: kitty's and iTerm2's protocols, sixel, half blocks.

https://sw.kovidgoyal.net/kitty/graphics-protocol, https://iterm2.com/documentation-images.html,
and chapter 14 of DEC's VT330/VT340 Programmer Reference Manual for sixel.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from devkit.terminal.abilities import HALF_BLOCK, Ability

if TYPE_CHECKING:
    from PIL.Image import Image

_COLUMNS = 36  # of the picture; a cell is about twice as high as wide
_KITTY_CHUNK = 4096  # bytes of base64, the protocol's limit
_SIXEL_SIDE = 320  # pixels of the longer side
_SIXEL_COLOURS = 128


def picture_text(path: Path, ability: Ability) -> str:
    """Return the text that shows a picture file; '' if the terminal or Pillow cannot show it."""
    if ability == "none":
        return ""
    columns = max(1, min(_COLUMNS, shutil.get_terminal_size().columns - 1))
    content = path.read_bytes()
    if ability == "iterm":
        return _iterm(content, columns)
    if ability == "kitty" and content.startswith(b"\x89PNG"):
        return _kitty(content, columns)
    try:
        from PIL import Image
    except ImportError:
        return ""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    if ability == "sixel":
        return _sixel(image)
    return _half_blocks(image, columns, has_all_colours=ability != "256")


def _kitty(png: bytes, columns: int) -> str:
    """Transmit a PNG file and show it; q=2 asks for no answer."""
    encoded = base64.b64encode(png).decode()
    chunks = [encoded[at : at + _KITTY_CHUNK] for at in range(0, len(encoded), _KITTY_CHUNK)]
    text = ""
    for number, chunk in enumerate(chunks):
        first = f"a=T,f=100,q=2,c={columns}," if number == 0 else ""
        more = int(number < len(chunks) - 1)
        text += f"\x1b_G{first}m={more};{chunk}\x1b\\"
    return text


def _iterm(content: bytes, columns: int) -> str:
    encoded = base64.b64encode(content).decode()
    return f"\x1b]1337;File=inline=1;size={len(content)};width={columns}:{encoded}\x07"


def _sixel(image: Image) -> str:
    """Return bands of six rows; a character is the six pixels of a column in one colour."""
    scale = _SIXEL_SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    table = image.resize(size).quantize(_SIXEL_COLOURS)
    width, height = table.size
    pixels = table.tobytes()
    palette = (table.getpalette() or [])[: 3 * _SIXEL_COLOURS]
    text = f'\x1bPq"1;1;{width};{height}'
    for colour in range(len(palette) // 3):
        # In percent.
        red, green, blue = (round(palette[3 * colour + n] / 2.55) for n in range(3))
        text += f"#{colour};2;{red};{green};{blue}"
    for top in range(0, height, 6):
        rows = [pixels[row * width : (row + 1) * width] for row in range(top, min(top + 6, height))]
        text += "$".join(_band(rows, width)) + "-"
    return text + "\x1b\\"


def _band(rows: list[bytes], width: int) -> Iterator[str]:
    """Yield a band's text for each of its colours."""
    bits: dict[int, bytearray] = {}
    for number, row in enumerate(rows):
        for column, colour in enumerate(row):
            bits.setdefault(colour, bytearray(width))[column] |= 1 << number
    for colour, columns in bits.items():
        text = f"#{colour}"
        for value, run in groupby(columns):
            count, character = len(list(run)), chr(63 + value)
            text += f"!{count}{character}" if count > 3 else character * count
        yield text


def _half_blocks(image: Image, columns: int, has_all_colours: bool) -> str:
    """Return lines of half blocks: the upper pixel is the character, the lower its ground."""
    rows = max(1, round(columns * image.height / image.width / 2))
    small = image.resize((columns, 2 * rows))
    pixels = small.tobytes()

    def colour(x: int, y: int) -> str:
        at = 3 * (y * columns + x)
        red, green, blue = pixels[at : at + 3]
        if has_all_colours:
            return f"2;{red};{green};{blue}"
        # The cube of 6 * 6 * 6 colours from number 16 on; its steps are 0, 95, 135, ..., 255.
        steps = [
            0 if value < 48 else 1 if value < 115 else (value - 35) // 40
            for value in (red, green, blue)
        ]
        return f"5;{16 + 36 * steps[0] + 6 * steps[1] + steps[2]}"

    lines = []
    for row in range(rows):
        line = "".join(
            f"\x1b[38;{colour(x, 2 * row)};48;{colour(x, 2 * row + 1)}m{HALF_BLOCK}"
            for x in range(columns)
        )
        lines.append(f"{line}\x1b[0m")
    return "\n".join(lines)
