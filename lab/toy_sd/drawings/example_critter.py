"""The example subject of DreamBooth: drawings of one critter with other grounds and tops.

Its colour, body, eyes and mouth stay: the reader finds them, and toy-sd knows each of them by a
word. Its belly has no word. Neither a green ground nor a crown is in the pictures: prompts ask for
them after the training.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from .drawings import Scene, picture

SUBJECT = {"colour": "pink", "body": "pointed", "eyes": "one eye", "mouth": "zigzag mouth"}
_BELLY = {"patternVariant": "belly", "patternProbability": 100}
_TOPS_AND_GROUNDS = (
    ("horns", "blue"),
    ("leaf", "orange"),
    ("cat ears", "purple"),
    ("antennae", "black"),
    ("spike", "pink"),
)
_SEED = 0  # decides the colour of the tops
SIDE = 512


def example_scenes() -> list[Scene]:
    """Return the scenes of the five pictures."""
    return [
        Scene("critter", {**SUBJECT, "top": top, "background": ground}, _SEED)
        for top, ground in _TOPS_AND_GROUNDS
    ]


def write_example(folder: Path) -> list[Path]:
    """Write the five pictures as small PNG files; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, scene in enumerate(example_scenes(), 1):
        image = Image.fromarray(picture(scene, SIDE, _BELLY))
        path = folder / f"critter-{number}.png"
        image.save(path, optimize=True)
        paths.append(path)
    return paths
