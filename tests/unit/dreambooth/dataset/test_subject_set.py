"""Sets of training pictures from folders and from the graph, and the report on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tipo_core.dreambooth.dataset.contact_sheet import contact_sheet, left_out
from tipo_core.dreambooth.dataset.picture_fitting import Fitting
from tipo_core.dreambooth.dataset.picture_folders import files_of_folder
from tipo_core.dreambooth.dataset.subject_set import (
    FoundPictures,
    SetSettings,
    joined,
    pictures_of_batch,
    pictures_of_folder,
    subject_set,
)


def picture(seed: int, size: tuple[int, int] = (80, 80)) -> Image.Image:
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8))
    return small.resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(4):
        picture(number).save(tmp_path / f"{number}.png")
    return tmp_path


def settings(**changed: Any) -> SetSettings:
    values: dict[str, Any] = {"fitting": Fitting(64, 64), "prompt": "sks dog", "token": "sks"}
    return SetSettings(**values | changed)


def found_in(folder: Path) -> FoundPictures:
    return pictures_of_folder(files_of_folder(folder))


def test_pictures_of_a_folder(folder: Path) -> None:
    made, report = subject_set(found_in(folder), settings())
    assert [one.name for one in made.pictures] == ["0.png", "1.png", "2.png", "3.png"]
    assert {one.caption for one in made.pictures} == {"sks dog"}
    assert {one.original_size for one in made.pictures} == {(80, 80)}
    assert all(one.content.shape == (64, 64, 3) for one in made.pictures)
    assert (made.token, made.prompt, made.repeats, made.notes) == ("sks", "sks dog", 1, ())
    assert report == ["4 pictures", "sizes: 64 x 64 (4), crop center", "prompt: sks dog"]


def test_captions_replace_the_prompt(folder: Path) -> None:
    (folder / "1.txt").write_text("sks dog in the sun")
    (folder / "2.txt").write_text("a dog")
    made, report = subject_set(found_in(folder), settings())
    assert [one.caption for one in made.pictures] == [
        "sks dog",
        "sks dog in the sun",
        "a dog",
        "sks dog",
    ]
    assert "captions from files: 2 of 4" in report
    assert any("captions without the token 'sks': 2.png" in line for line in made.notes)
    without, _ = subject_set(found_in(folder), settings(uses_captions=False))
    assert {one.caption for one in without.pictures} == {"sks dog"}


def test_folder_and_graph_together(folder: Path) -> None:
    batch = torch.rand(2, 70, 90, 3, generator=torch.Generator().manual_seed(0))
    both = joined([found_in(folder), pictures_of_batch(batch)])
    made, _ = subject_set(both, settings())
    assert [one.name for one in made.pictures][-2:] == ["image 1", "image 2"]
    assert made.pictures[-1].original_size == (90, 70)


def test_mirrored_pictures_come_on_top(folder: Path) -> None:
    made, report = subject_set(found_in(folder), settings(has_mirrored=True))
    assert len(made.pictures) == 8
    assert torch.equal(made.pictures[1].content, made.pictures[0].content.flip(1))
    assert made.pictures[1].name == "0.png, mirrored"
    assert "each picture is there mirrored too" in report


def test_repeats_of_random_crops_are_other_crops(tmp_path: Path) -> None:
    picture(1, (200, 64)).save(tmp_path / "a.png")
    fitting = Fitting(64, 64, "random")
    made, _ = subject_set(found_in(tmp_path), settings(fitting=fitting, repeats=5))
    assert len(made.pictures) == 5 and made.repeats == 1
    assert len({one.crop for one in made.pictures}) > 2
    other, _ = subject_set(found_in(tmp_path), settings(fitting=fitting, repeats=5, seed=1))
    assert made.digest != other.digest
    again, _ = subject_set(found_in(tmp_path), settings(fitting=fitting, repeats=5))
    assert made.digest == again.digest
    many, _ = subject_set(found_in(tmp_path), settings(fitting=fitting, repeats=40))
    assert len(many.pictures) * many.repeats >= 40 and len(many.pictures) == 16


def test_faults_are_named_and_not_fatal(tmp_path: Path) -> None:
    picture(1).save(tmp_path / "a.png")
    picture(1).save(tmp_path / "b.png")
    (tmp_path / "broken.png").write_bytes(b"hello")
    (tmp_path / "notes.pdf").write_bytes(b"hello")
    (tmp_path / "z.txt").write_text("alone")
    fitting = Fitting(128, 128)
    made, report = subject_set(found_in(tmp_path), settings(fitting=fitting))
    assert made.notes == (
        "warning: only 2 pictures: with fewer than 3 the model learns the picture, not the "
        "subject; add some with other backgrounds and poses",
        "warning: left out, broken.png: no picture, whatever its name says",
        "warning: no picture: notes.pdf",
        "warning: z.txt: a caption without a picture",
        "warning: smaller than the training, enlarged and soft: a.png (80 x 80, 1.6 times), b.png "
        "(80 x 80, 1.6 times)",
        "warning: equal pictures: b.png and a.png; each counts, delete one of them",
    )
    assert report[-len(made.notes) :] == list(made.notes)


def test_crops_that_lose_much_and_long_pictures_are_named(tmp_path: Path) -> None:
    picture(1, (400, 130)).save(tmp_path / "wide.png")
    made, _ = subject_set(found_in(tmp_path), settings())
    assert any(line.startswith("warning: the crop loses much") for line in made.notes)
    buckets, _ = subject_set(
        found_in(tmp_path), settings(fitting=Fitting(256, 256, "center", True))
    )
    assert any(
        line.startswith("warning: very long or wide: wide.png (400 x 130)")
        for line in buckets.notes
    )


def test_a_class_may_be_small_and_has_no_token(folder: Path) -> None:
    (folder / "3.png").unlink()
    (folder / "2.png").unlink()
    made, _ = subject_set(found_in(folder), settings(prompt="dog", token=""))
    assert made.notes == () and made.token == ""


@pytest.mark.parametrize(
    ("changed", "why"), [({}, "no picture to train on"), ({"prompt": " "}, "the prompt is empty")]
)
def test_impossible_trainings_are_errors(tmp_path: Path, changed: dict[str, Any], why: str) -> None:
    if changed:
        picture(1).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=why):
        subject_set(found_in(tmp_path), settings(**changed))


def test_too_many_pixels_for_the_memory(folder: Path) -> None:
    with pytest.raises(ValueError, match="use fewer pictures"):
        subject_set(found_in(folder), settings(), free_bytes=100_000)


def test_contact_sheet_shows_the_crops(folder: Path) -> None:
    made, _ = subject_set(found_in(folder), settings())
    sheet = contact_sheet(
        [one.content for one in made.pictures], [one.name for one in made.pictures]
    )
    assert sheet.size == (2 * 264 + 8, 2 * 282 + 8)
    corner = (made.pictures[0].content[0, 0] * 255).round().tolist()
    assert list(sheet.getpixel((8, 8))) == corner  # type: ignore[arg-type]
    assert left_out(64) == "" and "64 of 65" in left_out(65)
    contact_sheet([made.pictures[0].content] * 70, ["日本語の長い名前" * 20] * 70)
