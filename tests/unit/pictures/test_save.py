from __future__ import annotations

import errno
import json
import signal
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tipo_core.pictures.save import (
    ImageMetadata,
    disk_problem,
    encode_png,
    encode_webp,
    write_whole,
)

PROMPT = "1girl, cat ears, (rain:1.2), \u732b\u8033"
GRAPH = {"prompt": {"1": {"class_type": "X"}}, "workflow": {"nodes": ["\u732b"]}, "more": [1, 2]}
PICTURE = Image.linear_gradient("L").convert("RGB").resize((64, 48))


def png_chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def as_front_end_reads_png(content: bytes) -> dict[str, bytes]:
    """ComfyUI's getFromPngBuffer: these chunk types, the last of a name counts."""
    texts = [data for kind, data in png_chunks(content) if kind in (b"tEXt", b"comf", b"iTXt")]
    return {key.decode(): value for key, value in (text.split(b"\0", 1) for text in texts)}


def test_png_is_lossless_and_readable_by_others() -> None:
    with Image.open(BytesIO(encode_png(PICTURE, ImageMetadata(GRAPH, PROMPT)))) as image:
        assert image.tobytes() == PICTURE.tobytes()
        assert {key: json.loads(image.text[key]) for key in GRAPH} == GRAPH
        assert image.text["parameters"] == PROMPT


def test_front_end_takes_the_workflow_and_not_the_parameters() -> None:
    # Its handleFile imports `parameters` as an A1111 prompt, and drops the graph, if it is there.
    read = as_front_end_reads_png(encode_png(PICTURE, ImageMetadata(GRAPH, PROMPT)))
    assert not read["parameters"]
    assert json.loads(read["workflow"]) == GRAPH["workflow"]


def test_parameters_alone_are_left_to_the_front_end() -> None:
    read = as_front_end_reads_png(encode_png(PICTURE, ImageMetadata(parameters="1girl")))
    assert read == {"parameters": b"1girl"}


@pytest.mark.parametrize("encode", [encode_png, lambda i, m: encode_webp(i, m, 90)])
def test_without_metadata_nothing_is_written_beside_the_pixels(
    encode: Callable[[Image.Image, ImageMetadata], bytes],
) -> None:
    with Image.open(BytesIO(encode(PICTURE, ImageMetadata()))) as image:
        assert not image.getexif()
        assert not getattr(image, "text", None)


def test_webp_keeps_graph_and_prompt() -> None:
    with Image.open(BytesIO(encode_webp(PICTURE, ImageMetadata(GRAPH, PROMPT), 90))) as image:
        exif = image.getexif()
        assert image.format == "WEBP"
    assert exif[0x0110].startswith("prompt:{")
    texts = (value for value in exif.values() if isinstance(value, str))
    found = {key: json.loads(value) for key, value in (text.split(":", 1) for text in texts)}
    assert found == GRAPH
    comment = exif.get_ifd(0x8769)[0x9286]
    assert comment.removeprefix(b"UNICODE\0").decode("utf-16-be") == PROMPT


def test_webp_quality_matters() -> None:
    noise = Image.effect_noise((64, 64), 80)
    small, large = (len(encode_webp(noise, ImageMetadata(), quality)) for quality in (10, 95))
    assert small < large / 2


def test_webp_names_its_limit() -> None:
    with pytest.raises(ValueError, match=r"at most 16383 pixels .* has 16384 x 1: choose png"):
        encode_webp(Image.new("RGB", (16384, 1)), ImageMetadata(), 90)


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
