"""Encoded pictures, decoded by small readers of the protocols."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from devkit.terminal.picture import picture_text


@pytest.fixture
def pixels() -> np.ndarray:
    """A smooth picture, 96 pixels wide and 64 high."""
    y, x = np.indices((64, 96))
    return np.stack([x * 2, y * 3, 255 - 2 * x], axis=-1).astype(np.uint8)


@pytest.fixture
def picture(tmp_path: Path, pixels: np.ndarray) -> Path:
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    return path


def mean_difference(shown: np.ndarray, pixels: np.ndarray) -> float:
    """Return the mean difference of a picture that was shown in another size."""
    height, width = shown.shape[:2]
    wanted = np.asarray(Image.fromarray(pixels).resize((width, height)))
    return float(np.abs(shown.astype(float) - wanted).mean())


def read_half_blocks(text: str, colour_table: np.ndarray) -> np.ndarray:
    """Return the picture that a terminal shows: two rows of pixels for each line."""
    rows: list[list[np.ndarray]] = []
    for line in text.split("\n"):
        assert line.endswith("\x1b[0m")
        upper: list[np.ndarray] = []
        lower: list[np.ndarray] = []
        cells = re.findall(r"\x1b\[38;([\d;]+);48;([25];[\d;]+)m▀", line)
        assert len(cells) == line.count("▀")
        for above, below in cells:
            for colour, row in ((above, upper), (below, lower)):
                kind, *numbers = (int(number) for number in colour.split(";"))
                row.append(np.array(numbers) if kind == 2 else colour_table[numbers[0]])
        rows += [upper, lower]
    return np.array(rows)


@pytest.fixture(scope="module")
def xterm_colours() -> np.ndarray:
    """xterm's table of 256 colours; its first 16 are the user's and stay black here."""
    table = np.zeros((256, 3))
    steps = (0, 95, 135, 175, 215, 255)
    for number in range(216):
        table[16 + number] = [steps[number // 36], steps[number // 6 % 6], steps[number % 6]]
    for number in range(24):
        table[232 + number] = 8 + 10 * number
    return table


def test_half_blocks_show_the_picture(
    picture: Path, pixels: np.ndarray, xterm_colours: np.ndarray
) -> None:
    shown = read_half_blocks(picture_text(picture, "colours"), xterm_colours)
    # As wide as it is high on a screen, whose cells are twice as high as wide.
    assert shown.shape == (24, 36, 3)
    assert mean_difference(shown, pixels) < 2


def test_half_blocks_of_256_colours_are_near(
    picture: Path, pixels: np.ndarray, xterm_colours: np.ndarray
) -> None:
    shown = read_half_blocks(picture_text(picture, "256"), xterm_colours)
    assert mean_difference(shown, pixels) < 20


def read_sixel(text: str) -> np.ndarray:
    """Return the picture of a sixel string, by DEC's manual."""
    body = re.fullmatch(r"\x1bPq\"1;1;(\d+);(\d+)(.*)\x1b\\", text, re.DOTALL)
    assert body
    width, height = int(body[1]), int(body[2])
    shown = np.full((height + 6, width, 3), -1.0)
    colours: dict[int, np.ndarray] = {}
    column, top, colour = 0, 0, 0
    tokens = re.findall(r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)(.)|([$-])|([?-~])", body[3])
    for number, red, green, blue, count, repeated, move, single in tokens:
        if red:
            colours[int(number)] = np.array([int(red), int(green), int(blue)]) * 2.55
        elif number:
            colour = int(number)
        elif move:
            column, top = 0, top + 6 * (move == "-")
        else:
            end = column + int(count or 1)
            for bit in range(6):
                if (ord(repeated or single) - 63) >> bit & 1:
                    shown[top + bit, column:end] = colours[colour]
            column = end
    assert (shown[height:] == -1).all()
    return shown[:height]


def test_sixel_shows_the_picture(picture: Path, pixels: np.ndarray) -> None:
    shown = read_sixel(picture_text(picture, "sixel"))
    assert shown.shape == (213, 320, 3)
    assert shown.min() >= 0, "a pixel was not painted"
    assert mean_difference(shown, pixels) < 8


def test_kitty_gets_the_file_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", picture_text(path, "kitty"))
    assert len(pieces) > 2 and all(len(content) <= 4096 for _, content in pieces)
    assert pieces[0][0] == "a=T,f=100,q=2,c=36,m=1"
    assert [keys for keys, _ in pieces[1:]] == ["m=1"] * (len(pieces) - 2) + ["m=0"]
    assert base64.b64decode("".join(content for _, content in pieces)) == path.read_bytes()


def test_iterm_gets_the_file(picture: Path) -> None:
    found = re.fullmatch(
        r"\x1b\]1337;File=inline=1;size=(\d+);width=36:(.*)\x07", picture_text(picture, "iterm")
    )
    assert found and int(found[1]) == picture.stat().st_size
    assert base64.b64decode(found[2]) == picture.read_bytes()


def test_a_pipe_gets_nothing(picture: Path) -> None:
    assert picture_text(picture, "none") == ""
