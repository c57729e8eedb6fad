from __future__ import annotations

import errno
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tipo_core.pictures.files.formats import FORMATS
from tipo_core.pictures.files.image_file import disk_problem, encoded, save_report, write_whole
from tipo_core.pictures.files.metadata import ImageMetadata, exif_bytes

NOISE = Image.effect_noise((40, 32), 80).convert("RGB")
LARGE = ImageMetadata({"workflow": {"nodes": ["x" * 70_000]}, "prompt": {"1": {}}}, "1girl")


@pytest.mark.parametrize("format", ["webp", "jpeg", "avif"])
def test_target_counts_the_whole_file_and_the_report_has_its_size(format: str) -> None:
    metadata = ImageMetadata({"workflow": "x" * 600})
    one = encoded(NOISE, metadata, format, 100, target_kb=2)
    assert 1200 < len(one.content) <= 2000
    quality = int(one.how.removeprefix("quality ").split(",")[0])
    assert encoded(NOISE, metadata, format, quality).content == one.content
    assert len(encoded(NOISE, metadata, format, quality + 1).content) > 2000
    report = save_report(format, [(f"sub/a.{format}", one)])
    assert report == f"sub/a.{format}: {format}, {len(one.content) / 1000:.3f} kB, {one.how}"
    assert one.how.endswith(" encodes for 2 kB")


def test_lowest_quality_above_the_target_is_saved_with_a_note() -> None:
    one = encoded(NOISE, LARGE, "webp", 90, target_kb=10)
    assert one.content == encoded(NOISE, LARGE, "webp", 1).content
    assert one.how.startswith("quality 1, 6 encodes")
    metadata = f"{len(exif_bytes(LARGE)) / 1000:.3f} kB"
    expected = f"even quality 1 does not fit; {metadata} of the file is metadata. Choose a larger"
    assert one.notes[0].startswith(f"larger than target_kb 10: {expected}")


def test_png_is_lossless_whatever_the_target() -> None:
    one = encoded(NOISE, ImageMetadata(), "png", 90, target_kb=1)
    with Image.open(BytesIO(one.content)) as image:
        assert image.tobytes() == NOISE.tobytes()
    assert (one.how, one.notes) == (
        "lossless",
        ("target_kb 1 does not apply: png is lossless",),
    )


@pytest.mark.parametrize("format", FORMATS)
def test_cancelling_is_heard_before_each_encode(format: str) -> None:
    calls: list[None] = []
    one = encoded(NOISE, ImageMetadata(), format, 90, 2, lambda: calls.append(None))
    assert len(calls) == (1 if format == "png" else int(one.how.split()[2]))


def test_workflow_too_large_for_jpeg_is_left_out_and_named() -> None:
    one = encoded(NOISE, LARGE, "jpeg", 90)
    assert len(one.notes) == 1
    assert one.notes[0].startswith("left out of the file: workflow; a jpeg holds 65533 bytes")
    for format in ("png", "webp", "avif"):
        assert not encoded(NOISE, LARGE, format, 90).notes


def test_each_note_is_reported_once() -> None:
    one = encoded(NOISE.convert("RGBA"), ImageMetadata(), "jpeg", 90)
    report = save_report("jpeg", [("a.jpg", one), ("b.jpg", one)])
    assert report.count("alpha is laid over white: jpeg has none") == 1
    assert [line.split(":")[0] for line in report.splitlines()[:2]] == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(("quality", "target_kb"), [(0, 0), (101, 0), (90, -1)])
def test_numbers_that_are_none_are_refused(quality: int, target_kb: int) -> None:
    with pytest.raises(ValueError, match="give a quality of 1 to 100"):
        encoded(NOISE, ImageMetadata(), "jpeg", quality, target_kb)


def test_file_is_written_whole_and_replaces_the_old(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    write_whole(path, b"new content")
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert path.read_bytes() == b"new content"


@contextmanager
def four_kilobyte_files() -> Iterator[None]:
    """The system refuses to write past 4 kB: a disk that fills up in the middle of a file.

    No fixture: it must be over before pytest writes its own report, which may go to a file.
    """
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_write_that_fails_half_way_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    raises = pytest.raises(OSError, match="larger than the disk allows")
    with four_kilobyte_files(), raises as raised:
        write_whole(path, b"x" * 10_000)
    assert str(tmp_path) in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_full_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="the disk is full: free some space"):
        write_whole(tmp_path / "a.avif", b"x" * 10_000)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with four_kilobyte_files(), pytest.raises(OSError, match="cannot be saved"):
        write_whole(path, b"x" * 10_000)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.png", b"old")]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permissions"),
        (errno.EIO, "check the folder"),
    ],
)
def test_disk_errors_name_folder_and_remedy(number: int, words: str) -> None:
    problem = disk_problem(OSError(number, "reason"), "/out/folder")
    assert "'/out/folder'" in problem
    assert words in problem
