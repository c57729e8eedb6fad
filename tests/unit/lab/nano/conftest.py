"""Corpora of a few lines, in the layout that the training reads."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.nano.data import photo_captions, samples

TAGS = {
    "1girl": 6000, "solo": 5000, "1boy": 1500, "2girls": 900, "multiple_girls": 1000,
    "long_hair": 4000, "short_hair": 3000, "blonde_hair": 1500, "black_hair": 1400,
    "blue_eyes": 1700, "red_eyes": 1300, "smile": 2500, "open_mouth": 2200, "closed_mouth": 1200,
    "hat": 1100, "red_bow": 400, "gloves": 1000, "dress": 1200, "cat_ears": 500, "cat_tail": 400,
    "sitting": 800, "standing": 700, "outdoors": 900, "indoors": 600, "beach": 120, "sky": 600,
    "cloud": 400, "tree": 300, "book": 250, "cat": 260, "dog": 120, "flower": 700, "chair": 150,
    "table": 140, "scenery": 130, "animal": 140, "upper_body": 500, "from_side": 300,
    "white_background": 1300, "looking_at_viewer": 3300, "holding_book": 90, "reading": 60,
    "male_focus": 600, "realistic": 100, "night": 200, "moon": 100, "still_life": 20,
    "window": 180, "cup": 200, "bird": 160, "boots": 500, "jacket": 700, "shirt": 1900,
    "panties": 999, "poke_ball_(basic)": 50, "+++": 70,
}  # fmt: skip
PAIRS = [("cat_ears", "cat_tail", 300), ("book", "reading", 50), ("cloud", "sky", 380)]
CAPTIONS = [
    "A cat sits on a table with a book.",
    "Two dogs run on the beach under a blue sky",
    "A woman in a hat holds a cup.",
    "A bird on a tree near a window.",
    "A naked man stands on a table with a book.",
] * 4
PROMPTS = ["a cat, highly detailed, digital painting, sharp focus, art by john doe"] * 8


def _write(path: Path, lines: list[str]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small corpora; some lines in them must never get through."""
    folder = tmp_path_factory.mktemp("corpora")
    rows = [f"{name},{count * 1000}" for name, count in TAGS.items()]
    _write(folder / "tags_general_sfw.csv.gz", ["tag,post_count", *rows])
    pairs = [f"{left},{right},{count * 1000}" for left, right, count in PAIRS]
    _write(folder / "tag_cooccurrence_sfw.csv.gz", ["tag_a,tag_b,count", *pairs])
    _write(folder / "captions_coco.txt.gz", CAPTIONS)
    _write(folder / "prompts_diffusion.txt.gz", PROMPTS)
    return folder


@pytest.fixture(scope="session", autouse=True)
def small_corpora() -> Iterator[None]:
    """Samples in small blocks, and captions whose words are all rare: a test needs few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "BLOCK", 48)
        patch.setattr(photo_captions, "_LEAST_COUNT", 1)
        yield
