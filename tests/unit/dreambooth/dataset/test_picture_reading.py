"""Pictures of all kinds become upright RGB on white, and the notes say what was changed."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from tipo_core.dreambooth.dataset.picture_reading import (
    ReadPicture,
    UnreadablePictureError,
    picture_of_graph,
    read_picture,
)

RED, WHITE = (255, 0, 0), (255, 255, 255)


def saved(folder: Path, name: str, image: Image.Image, **options: object) -> ReadPicture:
    path = folder / name
    image.save(path, **options)  # type: ignore[arg-type]
    return read_picture(path)


def test_exif_orientation_turns_a_picture(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20), RED)
    image.paste((0, 0, 255), (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown a quarter clockwise
    read = saved(tmp_path, "a.png", image, exif=exif)
    assert read.image.size == (20, 40)
    assert read.image.getpixel((10, 5)) == (0, 0, 255)  # the left is on top
    assert read.notes == ("turned upright by its EXIF orientation",)


def test_alpha_is_laid_over_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (2, 1), (*RED, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    read = saved(tmp_path, "a.png", image)
    assert [read.image.getpixel((x, 0)) for x in (0, 1)] == [RED, WHITE]
    assert read.notes == ("alpha laid over white",)
    opaque = saved(tmp_path, "b.png", Image.new("RGBA", (2, 2), (*RED, 255)))
    assert opaque.notes == ()


def test_half_alpha_is_between(tmp_path: Path) -> None:
    read = saved(tmp_path, "a.png", Image.new("RGBA", (1, 1), (0, 0, 0, 128)))
    assert read.image.getpixel((0, 0)) == (127, 127, 127)


def test_transparent_palette(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((1, 0), 1)
    read = saved(tmp_path, "a.png", image, transparency=1)
    assert [read.image.getpixel((x, 0)) for x in (0, 1)] == [RED, WHITE]
    assert read.notes == ("palette", "alpha laid over white")


def test_sixteen_bit_grey_is_scaled_not_cut(tmp_path: Path) -> None:
    values = np.array([[0, 32768, 65535]], dtype=np.uint16)
    read = saved(tmp_path, "a.png", Image.fromarray(values))
    assert [read.image.getpixel((x, 0)) for x in range(3)] == [(0,) * 3, (128,) * 3, WHITE]
    assert read.notes == ("16 bits reduced to 8", "grey")


def png_of_16_bits(pixels: list[tuple[int, int, int]]) -> bytes:
    """A PNG of one row with 16 bits per channel, written after the PNG specification."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    row = b"\0" + b"".join(struct.pack(">3H", *pixel) for pixel in pixels)
    header = struct.pack(">IIBBBBB", len(pixels), 1, 16, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(row)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def test_sixteen_bit_colour_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png_of_16_bits([(65535, 0, 0), (0x8000, 0x8000, 0x8000)]))
    read = read_picture(path)
    assert [read.image.getpixel((x, 0)) for x in (0, 1)] == [RED, (128, 128, 128)]
    assert read.notes == ("16 bits reduced to 8",)


def test_float_tiff(tmp_path: Path) -> None:
    values = np.array([[0.0, 0.5, 1.0]], dtype=np.float32)
    read = saved(tmp_path, "a.tiff", Image.fromarray(values))
    assert [read.image.getpixel((x, 0))[0] for x in range(3)] == [0, 128, 255]  # type: ignore[index]


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, (0, 255, 0))]
    read = saved(
        tmp_path, "a.webp", frames[0], save_all=True, append_images=frames[1:], lossless=True
    )
    assert read.image.getpixel((0, 0)) == RED
    assert read.notes == ("the first of 2 frames",)


def test_colour_profile_of_srgb_or_of_nothing(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert saved(tmp_path, "a.png", Image.new("RGB", (1, 1), RED), icc_profile=srgb).notes == ()
    read = saved(tmp_path, "b.png", Image.new("RGB", (1, 1), RED), icc_profile=b"no profile")
    assert read.notes == ("its colour profile is not readable and was left out",)
    assert read.image.getpixel((0, 0)) == RED


# Primaries of Display P3 and sRGB in XYZ under D50 (columns: red, green, blue), from the
# chromaticities of SMPTE EG 432-1 and IEC 61966-2-1 with the Bradford adaptation.
P3 = np.array(
    [[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]
)
SRGB = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
)


def display_p3() -> bytes:
    """A matrix profile with the curve of sRGB, written after ICC.1:2010."""

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(one * 65536)) for one in values)

    text = "Display P3".encode("utf-16-be")
    name = struct.pack(">4s4xIIHHII", b"mluc", 1, 12, 0x656E, 0x5553, len(text), 28) + text
    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0)
    curve += fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    tags = [
        (b"desc", name),
        (b"cprt", name),
        (b"wtpt", b"XYZ " + bytes(4) + fixed(0.9642, 1, 0.8249)),
    ]
    for letter, column in zip((b"r", b"g", b"b"), P3.T, strict=True):
        tags += [(letter + b"XYZ", b"XYZ " + bytes(4) + fixed(*column)), (letter + b"TRC", curve)]
    table, content = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for key, value in tags:
        table += struct.pack(">4sII", key, start + len(content), len(value))
        content += value + bytes(-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s12x4s", start + len(content), bytes(4), 0x04200000, b"mntr",
                       b"RGB ", b"XYZ ", b"acsp").ljust(68, b"\0")  # fmt: skip
    return head + fixed(0.9642, 1, 0.8249).ljust(60, b"\0") + table + content


def test_colours_of_a_phone_are_converted(tmp_path: Path) -> None:
    given = np.array([200, 120, 90]) / 255
    linear = np.where(given <= 0.04045, given / 12.92, ((given + 0.055) / 1.055) ** 2.4)
    light = (np.linalg.inv(SRGB) @ P3 @ linear).clip(0, 1)
    wanted = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    image = Image.new("RGB", (1, 1), (200, 120, 90))
    read = saved(tmp_path, "a.png", image, icc_profile=display_p3())
    assert read.notes == ("colours converted from Display P3 to sRGB",)
    assert np.abs(np.array(read.image.getpixel((0, 0))) - wanted).max() <= 1.5
    assert abs(wanted[0] - 200) > 5  # they differ


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"hello", "no picture"), (b"", "no picture"), (b"\x89PNG\r\n\x1a\n", "picture|damaged")],
)
def test_no_picture_is_named(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(UnreadablePictureError, match=why):
        read_picture(path)


def test_cut_file_is_named(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(buffer.getvalue()[:4000])
    with pytest.raises(UnreadablePictureError, match=r"damaged .* save it again"):
        read_picture(path)


def test_picture_of_the_graph() -> None:
    pixels = torch.tensor([[[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]]])
    read = picture_of_graph(pixels, "image 1")
    assert [read.image.getpixel((x, 0)) for x in (0, 1)] == [RED, WHITE]
    assert read.notes == ("alpha laid over white",)
    with pytest.raises(UnreadablePictureError, match="NaN"):
        picture_of_graph(torch.full((2, 2, 3), float("nan")), "image 1")
    with pytest.raises(UnreadablePictureError, match="5 channels"):
        picture_of_graph(torch.zeros(2, 2, 5), "image 1")
