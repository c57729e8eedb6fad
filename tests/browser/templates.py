"""The pack's workflow templates, and the pictures that they name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from devkit.layout import this_checkout

# The pack's entry in the templates dialog: its folder's name, or the name that a locale gives it.
PACK = re.compile(r"^tipo.suite$", re.IGNORECASE)
FOLDER = this_checkout().root / "workflows"
SIDE = 128


def template_names() -> list[str]:
    """Return the names of the templates, which their cards show; API graphs are none."""
    return sorted(path.stem for path in FOLDER.glob("*.json") if not path.stem.endswith(".api"))


def template_named(words: str) -> dict[str, Any]:
    """Return the template whose name has these words, however it is written."""
    for name in template_names():
        if name.replace("-", " ").lower() == words.lower():
            found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
            return found
    raise LookupError(f"no template is named {words}: {template_names()}")


def write_named_pictures(folder: Path) -> None:
    """Write a picture for each name that a template's Load Image nodes choose, with a mask."""
    for name in template_names():
        workflow = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
        for node in workflow["nodes"]:
            if node["type"].startswith("LoadImage") and node.get("widgets_values"):
                _draw(folder / node["widgets_values"][0])


def _draw(path: Path) -> None:
    picture = Image.new("RGBA", (SIDE, SIDE), (90, 140, 200, 255))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, SIDE // 2, SIDE, SIDE), fill=(70, 130, 80, 255))
    # Load Image takes the transparent part as the mask.
    draw.ellipse((SIDE // 3, SIDE // 3, SIDE * 2 // 3, SIDE * 2 // 3), fill=(0, 0, 0, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path if path.suffix else path.with_suffix(".png"))
