"""Pictures of folders, their features, and the cache."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tipo_core.evaluate.chart import histogram, ticks
from tipo_core.evaluate.extractors import Extractor, load_extractor
from tipo_core.evaluate.folder_features import Reading, folder_features
from tipo_core.evaluate.picture_folder import UnreadablePicture, open_picture, picture_files
from tipo_core.evaluate.progress_bar import progress_bar

PIXELS = load_extractor("pixels:1")
RED, BLUE = (250, 0, 0), (0, 0, 250)


def save(path: Path, colour: Any = RED, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4), colour).save(path, **options)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, one of them deeper, and three files that are none."""
    folder = tmp_path / "pictures"
    save(folder / "b.PNG")
    save(folder / "a" / "c.webp", BLUE, lossless=True)
    (folder / "bad.jpg").write_text("no picture")
    (folder / "cut.png").write_bytes((folder / "b.PNG").read_bytes()[:50])
    (folder / "notes.txt").write_text("no picture either")
    return folder


def test_pictures_are_found_in_the_order_of_their_names(folder: Path) -> None:
    save(folder / ".thumbnails" / "a.png")
    names = [path.relative_to(folder).as_posix() for path in picture_files(folder)]
    assert names == ["a/c.webp", "b.PNG", "bad.jpg", "cut.png"]
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        picture_files(folder / "nowhere")
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match=r"holds no picture: give one with \.png"):
        picture_files(folder / "empty")


def test_a_picture_is_opened_as_it_is_seen(tmp_path: Path) -> None:
    half = Image.new("RGBA", (1, 1), (0, 0, 0, 51))
    half.save(tmp_path / "half.png")
    assert open_picture(tmp_path / "half.png").getpixel((0, 0)) == (204, 204, 204)
    Image.new("I;16", (1, 1), 32896).save(tmp_path / "grey16.png")
    assert open_picture(tmp_path / "grey16.png").getpixel((0, 0)) == (128, 128, 128)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    assert open_picture(save(tmp_path / "turned.jpg", exif=exif)).size == (4, 6)
    picture = Image.new("P", (1, 1))
    picture.putpalette(RED)
    stream = io.BytesIO()
    picture.save(stream, "GIF")
    (tmp_path / "gif.png").write_bytes(stream.getvalue())
    with pytest.raises(UnreadablePicture):
        open_picture(tmp_path / "gif.png")


def test_broken_pictures_are_named_and_skipped(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read = folder_features(folder, PIXELS, Reading(batch=3))
    assert [path.name for path in read.files] == ["c.webp", "b.PNG"]
    assert [path.name for path, _ in read.skipped] == ["bad.jpg", "cut.png"]
    wanted = torch.tensor([BLUE, RED]) / 127.5 - 1
    torch.testing.assert_close(read.features, wanted)
    assert "bad.jpg is skipped: cannot identify" in caplog.text
    assert [path.name for path in folder_features(folder, PIXELS, Reading(limit=1)).files] == [
        "c.webp"
    ]
    with pytest.raises(ValueError, match=r"bad\.jpg cannot be read"):
        folder_features(folder, PIXELS, Reading(strict=True))
    (folder / "b.PNG").unlink()
    (folder / "a" / "c.webp").unlink()
    with pytest.raises(ValueError, match="none of the 2 pictures"):
        folder_features(folder, PIXELS, Reading())
    for wrong in ("batch", "limit"):
        with pytest.raises(ValueError, match=wrong):
            Reading(**{wrong: -1})  # type: ignore[arg-type]


def counted(extractor: Extractor, fails_at: int = 0) -> tuple[Extractor, list[int]]:
    """The extractor, and a list that notes each picture; Ctrl-C at the call `fails_at`."""
    seen: list[int] = []

    def features(batch: torch.Tensor) -> torch.Tensor:
        if len(seen) + 1 == fails_at:
            raise KeyboardInterrupt
        seen.append(len(batch))
        return extractor.features(batch)

    return Extractor(extractor.name, extractor.identity, extractor.prepare, features), seen


def test_the_cache_spares_what_was_computed(folder: Path, tmp_path: Path) -> None:
    reading = Reading(batch=1, cache=tmp_path / "cache")
    first = folder_features(folder, PIXELS, reading)
    (file,) = (tmp_path / "cache").iterdir()
    assert load_file(file)["features"].shape == (2, 3)
    again, seen = counted(PIXELS)
    assert torch.equal(folder_features(folder, again, reading).features, first.features)
    assert seen == []
    # A picture that was changed, another extractor, and a damaged file are computed anew.
    save(folder / "b.PNG", BLUE)
    os.utime(folder / "b.PNG", ns=(1, 1))
    assert folder_features(folder, again, reading).features[1].tolist() == pytest.approx(
        [-1, -1, 250 / 127.5 - 1]
    )
    assert seen == [1] and load_file(file)["features"].shape == (2, 3)
    folder_features(folder, load_extractor("pixels:2"), reading)
    assert len(list((tmp_path / "cache").iterdir())) == 2
    file.write_bytes(file.read_bytes()[:40])
    folder_features(folder, again, reading)
    assert seen == [1, 1, 1]


def test_what_was_done_before_ctrl_c_is_in_the_cache(folder: Path, tmp_path: Path) -> None:
    reading = Reading(batch=1, cache=tmp_path / "cache")
    interrupted, seen = counted(PIXELS, fails_at=2)
    with pytest.raises(KeyboardInterrupt):
        folder_features(folder, interrupted, reading)
    rest, more = counted(PIXELS)
    assert len(folder_features(folder, rest, reading).files) == 2
    assert seen == more == [1]


def test_features_that_are_no_numbers_are_an_error(folder: Path) -> None:
    def infinite(batch: torch.Tensor) -> torch.Tensor:
        return PIXELS.features(batch) / 0

    broken = Extractor("broken", "broken", PIXELS.prepare, infinite)
    with pytest.raises(ValueError, match=r"broken gives .*infinite features"):
        folder_features(folder, broken, Reading())


def test_progress_without_tqdm_is_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress_bar(2, "silent") as advance:
        advance(2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setitem(__import__("sys").modules, "tqdm", None)
    with progress_bar(2, "reading") as advance:
        advance(1)
        advance(1)
    assert capsys.readouterr().err == "reading: 2 of 2\n"


def test_ticks_and_bins() -> None:
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert ticks(-0.03, 0.12) == [0, 0.05, 0.1]
    assert histogram([0.0, 1, 2, 3, 3, 3, 4, 8]) == ([(1, 2.0), (3, 4.0), (5, 1.0), (7, 1.0)], 2)
    assert histogram([5.0]) == ([(5.5, 1.0), (6.5, 0.0)], 1.0)
