"""The picture on a template's card: a result of the template, or its text before and after.

The template browser shows a square of at most 256 CSS pixels; a card has twice as many.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from devkit.generate.prompt_diff import diff_prompt
from devkit.messages import StepError
from devkit.server.graph_settings import nodes_of_type
from devkit.server.websocket_client import Graph, Outcome

DRAW = "draw the card"
SIDE = 512
MOST_BYTES = 100_000
_GAP = 8
# The input picture lies in a corner of the result.
_INSET = 160
_INSET_BORDER = 6
_BACKGROUND = (24, 26, 32)
_MASK = (255, 64, 160)
_INK = (236, 238, 242)
_FAINT = (150, 156, 168)
_ADDED = (126, 220, 150)
_PANEL = (38, 42, 52)


def card_of(graph: Graph, outcome: Outcome, base: Path) -> Image.Image:
    """Return the card (SIDE x SIDE) of a run: its saved pictures, or else its text.

    Raises StepError for a run with neither.
    """
    pictures = [
        Image.open(base / "output" / entry["subfolder"] / entry["filename"]).convert("RGB")
        for node_id in nodes_of_type(graph, "TipoSaveImage")
        for entry in outcome.outputs.get(node_id, {}).get("images", [])
    ]
    if not pictures:
        return text_card(*_texts(graph, outcome))
    card = tiled(pictures)
    for node_id in nodes_of_type(graph, "LoadImage"):
        with Image.open(base / "input" / graph[node_id]["inputs"]["image"]) as given:
            add_inset(card, given.convert("RGBA"))
    return card


def tiled(pictures: Sequence[Image.Image]) -> Image.Image:
    """Return pictures in a square of rows and columns, each whole and as large as possible.

    Strips, such as the rows of a training's samples, stand one below the other.
    """
    if pictures[0].width >= 2 * pictures[0].height:
        return _stacked(pictures)
    across = next(n for n in range(1, len(pictures) + 1) if n * n >= len(pictures))
    side = (SIDE - (across - 1) * _GAP) // across
    card = Image.new("RGB", (SIDE, SIDE), _ground_of(pictures))
    for number, picture in enumerate(pictures):
        scale = side / max(picture.size)
        width, height = (round(length * scale) for length in picture.size)
        x, y = (place * (side + _GAP) for place in (number % across, number // across))
        shown = picture.resize((width, height), Image.Resampling.LANCZOS)
        card.paste(shown, (x + (side - width) // 2, y + (side - height) // 2))
    return card


def _stacked(strips: Sequence[Image.Image]) -> Image.Image:
    """Return strips of equal size one below the other, as wide as the card if they fit."""
    width, height = strips[0].size
    gaps = (len(strips) - 1) * _GAP
    scale = min(SIDE / width, (SIDE - gaps) / (len(strips) * height))
    size = (round(width * scale), round(height * scale))
    card = Image.new("RGB", (SIDE, SIDE), _BACKGROUND)
    x, y = (SIDE - size[0]) // 2, (SIDE - len(strips) * size[1] - gaps) // 2
    for number, strip in enumerate(strips):
        place = (x, y + number * (size[1] + _GAP))
        card.paste(strip.resize(size, Image.Resampling.LANCZOS), place)
    return card


def _ground_of(pictures: Sequence[Image.Image]) -> tuple[int, int, int]:
    """Return white for a picture with a white border (TIPO Grid), else a dark colour."""
    corner = pictures[0].getpixel((0, 0))
    is_grid = len(pictures) == 1 and corner == (255, 255, 255)
    return (255, 255, 255) if is_grid else _BACKGROUND


def add_inset(card: Image.Image, given: Image.Image) -> None:
    """Draw the input picture into the lower left corner of `card`, the masked part in pink.

    ComfyUI reads the transparent part of a picture as the mask.
    """
    # Two thirds of the colour, so that the masked part stays visible.
    mask = given.getchannel("A").point(lambda alpha: (255 - alpha) * 2 // 3)
    shown = given.convert("RGB")
    shown.paste(_MASK, (0, 0), mask)
    shown = shown.resize((_INSET, _INSET * shown.height // shown.width), Image.Resampling.LANCZOS)
    x, y = _GAP * 2, card.height - shown.height - _GAP * 2
    edge = _INSET_BORDER
    ImageDraw.Draw(card).rectangle(
        (x - edge, y - edge, x + shown.width + edge - 1, y + shown.height + edge - 1), fill="white"
    )
    card.paste(shown, (x, y))


def _texts(graph: Graph, outcome: Outcome) -> tuple[str, str]:
    """Return the typed text and the expanded prompt."""
    typed = [graph[node]["inputs"]["text"] for node in nodes_of_type(graph, "TipoSplitPrompt")]
    written: list[dict[str, Any]] = [
        text
        for node in nodes_of_type(graph, "TipoExpand")
        for text in outcome.outputs.get(node, {}).get("tipo", [])
    ]
    if not (typed and written):
        raise StepError(DRAW, "the run saved neither a picture nor a text", "see the server's log")
    return typed[0], written[0]["prompt"]


def text_card(typed: str, prompt: str) -> Image.Image:
    """Return a card with the typed text above the prompt, in which the additions are green."""
    card = Image.new("RGB", (SIDE, SIDE), _BACKGROUND)
    draw = ImageDraw.Draw(card)
    margin, heading = 20, 38
    split = SIDE * 2 // 5
    pieces = [(part.text, part.owner) for part in diff_prompt(prompt, typed)]
    for title, top, bottom, text in (
        ("you write", 0, split, [(typed, "yours")]),
        ("TIPO adds", split, SIDE, pieces),
    ):
        # On the right: front end 1.58 draws a badge over the upper left corner.
        draw.text((SIDE - margin, top + 14), title, font=_font(20), fill=_FAINT, anchor="ra")
        box = (margin // 2, top + heading + 6, SIDE - margin // 2, bottom - 10)
        draw.rounded_rectangle(box, radius=12, fill=_PANEL)
        inner = (box[0] + 14, box[1] + 10, box[2] - 12, box[3] - 8)
        _write(draw, inner, text)
    return card


def _write(
    draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], pieces: Sequence[tuple[str, str]]
) -> None:
    """Write words into a box in the largest size that fits; cut the text at the box's end."""
    size = next((s for s in range(36, 21, -1) if _height(pieces, box, s) <= box[3] - box[1]), 22)
    font, line = _font(size), round(size * 1.3)
    for word, owner, x, y in _places(pieces, box[2] - box[0], size):
        if box[1] + y + line > box[3] + 2:
            return
        colour = _ADDED if owner == "added" else _INK
        draw.text((box[0] + x, box[1] + y), word, font=font, fill=colour)


def _height(pieces: Sequence[tuple[str, str]], box: tuple[int, int, int, int], size: int) -> int:
    places = _places(pieces, box[2] - box[0], size)
    return round(places[-1][3] + size * 1.3) if places else 0


def _places(
    pieces: Sequence[tuple[str, str]], width: int, size: int
) -> list[tuple[str, str, float, float]]:
    """Return the words of `pieces` with their owners and places, wrapped at `width`."""
    font, line = _font(size), round(size * 1.3)
    words: list[tuple[str, str, float, float]] = []
    x = y = 0.0
    for text, owner in pieces:
        for word in text.replace("\n", " ").split(" "):
            if not word:
                continue
            length = font.getlength(word)
            # A comma stays at its word.
            space = 0.0 if word.startswith((",", ".")) or not words else font.getlength(" ")
            if x + space + length > width and space:
                x, y, space = 0.0, y + line, 0.0
            words.append((word, owner, x + space, y))
            x += space + length
    return words


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return font


def write_card(card: Image.Image, path: Path) -> None:
    """Write a card as JPEG in the best quality below MOST_BYTES."""
    for quality in range(92, 40, -4):
        content = io.BytesIO()
        card.save(content, "JPEG", quality=quality, optimize=True, subsampling=0)
        if content.tell() < MOST_BYTES:
            path.write_bytes(content.getvalue())
            return
    raise StepError(
        DRAW, f"{path.name} is too large in any quality", "draw a picture with fewer details"
    )
