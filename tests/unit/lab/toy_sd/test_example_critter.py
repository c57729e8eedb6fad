"""DreamBooth's example pictures are what the laboratory draws, and leave room for new prompts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from lab.toy_sd.drawings.example_critter import SUBJECT, example_scenes, write_example
from tipo_core.dreambooth.dataset.picture_fitting import Fitting
from tipo_core.dreambooth.dataset.picture_folders import files_of_folder
from tipo_core.dreambooth.dataset.subject_set import SetSettings, pictures_of_folder, subject_set

SHIPPED = Path(__file__).parents[4] / "tipo_core" / "assets" / "critter"


def test_shipped_pictures_are_those_of_the_laboratory(tmp_path: Path) -> None:
    drawn = write_example(tmp_path)
    assert [path.name for path in drawn] == [path.name for path in sorted(SHIPPED.glob("*.png"))]
    for path in drawn:
        with Image.open(path) as one, Image.open(SHIPPED / path.name) as other:
            assert one.size == other.size == (512, 512)
            pixels = [np.asarray(image.convert("RGB"), dtype=int) for image in (one, other)]
            assert np.abs(pixels[0] - pixels[1]).max() <= 2
    assert sum(path.stat().st_size for path in SHIPPED.glob("*.png")) < 100_000


def test_one_subject_and_neither_a_crown_nor_a_green_ground() -> None:
    scenes = example_scenes()
    assert all({**one.attributes, **SUBJECT} == one.attributes for one in scenes)
    assert len({one.attributes["top"] for one in scenes}) == 5
    assert "crown" not in {one.attributes["top"] for one in scenes}
    assert "green" not in {one.attributes["background"] for one in scenes}


def test_the_dataset_finds_no_fault_with_them() -> None:
    found = pictures_of_folder(files_of_folder(SHIPPED))
    for side in (128, 512):
        made, _ = subject_set(found, SetSettings(Fitting(side, side), "sks critter", "sks"))
        assert len(made.pictures) == 5 and made.notes == ()
