"""Cards of templates, from runs that are made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from devkit.generate.cards import MOST_BYTES, SIDE, card_of, write_card
from devkit.messages import StepError
from devkit.server.websocket_client import Graph, Outcome

RED, BLUE, PINK = (200, 0, 0), (0, 0, 200), (255, 64, 160)


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def save(base: Path, *pictures: Image.Image) -> Outcome:
    """A run whose node 9 saved these pictures."""
    (base / "output").mkdir()
    entries = []
    for number, picture in enumerate(pictures):
        picture.save(base / "output" / f"{number}.png")
        entries.append({"filename": f"{number}.png", "subfolder": "", "type": "output"})
    return Outcome("run", {"9": {"images": entries}})


SAVING: Graph = {"9": node("TipoSaveImage")}


def test_one_picture_fills_the_square(tmp_path: Path) -> None:
    card = card_of(SAVING, save(tmp_path, Image.new("RGB", (128, 128), RED)), tmp_path)
    assert card.size == (SIDE, SIDE)
    assert card.getcolors() == [(SIDE * SIDE, RED)]


def test_a_wide_picture_stays_whole(tmp_path: Path) -> None:
    card = card_of(SAVING, save(tmp_path, Image.new("RGB", (192, 128), RED)), tmp_path)
    colours = dict((colour, count) for count, colour in card.getcolors() or [])
    assert colours[RED] == SIDE * round(SIDE * 2 / 3)


def test_a_grid_goes_on_in_its_own_white(tmp_path: Path) -> None:
    grid = Image.new("RGB", (192, 128), "white")
    grid.paste(RED, (8, 8, 184, 120))
    card = card_of(SAVING, save(tmp_path, grid), tmp_path)
    assert card.getpixel((0, 0)) == card.getpixel((SIDE - 1, SIDE - 1)) == (255, 255, 255)


def test_four_pictures_are_two_by_two(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (64, 64), colour) for colour in (RED, BLUE, BLUE, RED)]
    card = card_of(SAVING, save(tmp_path, *pictures), tmp_path)
    near, far = SIDE // 4, SIDE * 3 // 4
    corners = [card.getpixel((x, y)) for y in (near, far) for x in (near, far)]
    assert corners == [RED, BLUE, BLUE, RED]


def test_the_input_lies_in_a_corner_with_its_mask_in_pink(tmp_path: Path) -> None:
    graph = SAVING | {"1": node("LoadImage", image="given.png")}
    given = Image.new("RGBA", (128, 128), (*BLUE, 255))
    given.paste((*BLUE, 0), (0, 0, 128, 64))
    (tmp_path / "input").mkdir()
    given.save(tmp_path / "input" / "given.png")
    card = card_of(graph, save(tmp_path, Image.new("RGB", (128, 128), RED)), tmp_path)
    kept, masked = card.getpixel((96, SIDE - 40)), card.getpixel((96, SIDE - 150))
    assert kept == BLUE
    assert isinstance(masked, tuple) and masked[0] > 150 > masked[1]
    assert card.getpixel((SIDE - 40, 40)) == RED


def test_a_run_of_text_shows_what_was_added_in_green(tmp_path: Path) -> None:
    graph = {"1": node("TipoSplitPrompt", text="1girl, hat"), "2": node("TipoExpand")}
    plain = card_of(graph, Outcome("run", {"2": {"tipo": [{"prompt": "1girl, hat"}]}}), tmp_path)
    longer = [{"prompt": "1girl, hat, smile, standing in the rain"}]
    card = card_of(graph, Outcome("run", {"2": {"tipo": longer}}), tmp_path)

    def greens(picture: Image.Image) -> int:
        red, green, _ = picture.convert("RGB").split()
        return sum(g > r + 60 for r, g in zip(red.getdata(), green.getdata(), strict=True))

    assert greens(plain) == 0
    assert greens(card) > 200


def test_a_run_without_picture_and_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="neither a picture nor a text"):
        card_of(SAVING, Outcome("run", {}), tmp_path)


def test_a_card_of_noise_is_still_small(tmp_path: Path) -> None:
    noise = Image.effect_noise((SIDE, SIDE), 40).convert("RGB")
    write_card(noise, tmp_path / "card.jpg")
    assert (tmp_path / "card.jpg").stat().st_size < MOST_BYTES
    with Image.open(tmp_path / "card.jpg") as read:
        assert read.format == "JPEG" and read.size == (SIDE, SIDE)


def test_strips_stand_one_below_the_other(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (256, 64), colour) for colour in (RED, BLUE, RED)]
    card = card_of(SAVING, save(tmp_path, *pictures), tmp_path)
    middle = [card.getpixel((SIDE // 2, y)) for y in (SIDE // 4, SIDE // 2, SIDE * 3 // 4)]
    assert middle == [RED, BLUE, RED]
    colours = dict((colour, count) for count, colour in card.getcolors() or [])
    assert colours[RED] == 2 * SIDE * SIDE // 4
