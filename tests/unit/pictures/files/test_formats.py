from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, features

from tipo_core.pictures.files.formats import (
    FORMATS,
    encode_png,
    format_problem,
    lossy_encoder,
    size_problem,
    with_exif_first,
)
from tipo_core.pictures.files.metadata import ImageMetadata

LOSSY = ["webp", "jpeg", "avif"]
GRAPH = ImageMetadata({"workflow": {"nodes": []}})


def gradients(channels: int) -> Image.Image:
    y, x = np.indices((48, 64))
    planes = [4 * x, 5 * y, 255 - 2 * (x + y), 2 * (x + y)]
    pixels = np.stack(planes, -1).astype(np.uint8)
    if channels < 3:
        pixels = pixels[..., [0, 3]]
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels[..., :channels])


def reopened(content: bytes) -> Image.Image:
    image: Image.Image
    with Image.open(BytesIO(content)) as image:
        image.load()
    return image


def difference(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, int) - np.asarray(other, int)).mean())


@pytest.mark.parametrize("format", LOSSY)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pictures_are_kept_within_the_loss_of_the_format(format: str, channels: int) -> None:
    image = gradients(channels)
    found = reopened(lossy_encoder(format, image, GRAPH).encode(95))
    assert found.format == format.upper()
    if format == "jpeg":
        assert found.mode == ("L" if channels == 1 else "RGB")
        alpha = np.asarray(image.convert("RGBA"), float)[..., 3:] / 255
        colours = np.asarray(image.convert("RGB"), float)
        image = Image.fromarray(np.rint(colours * alpha + 255 * (1 - alpha)).astype(np.uint8))
    elif channels in (2, 4):
        assert found.mode == "RGBA"
        assert difference(found.getchannel("A"), image.getchannel("A")) < 3, "alpha is kept"
        # Colour that shows: under full transparency WebP is free to choose.
        image, found = (one.convert("RGBA").resize((64, 48)) for one in (image, found))
        image, found = (
            Image.alpha_composite(Image.new("RGBA", (64, 48)), o) for o in (image, found)
        )
    assert difference(found.convert("RGB"), image.convert("RGB")) < 3


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_keeps_every_pixel_of_every_kind(channels: int) -> None:
    image = gradients(channels)
    found = reopened(encode_png(image, GRAPH))
    assert (found.mode, found.tobytes()) == (image.mode, image.tobytes())


@pytest.mark.parametrize("format", LOSSY)
def test_quality_matters(format: str) -> None:
    encode = lossy_encoder(format, Image.effect_noise((64, 64), 80), ImageMetadata()).encode
    assert len(encode(10)) < len(encode(95)) / 2


@pytest.mark.parametrize(("format", "limit"), [("webp", 16383), ("jpeg", 65500), ("avif", 65536)])
def test_each_format_names_its_limit_and_reaches_it(format: str, limit: int) -> None:
    encode = lossy_encoder(format, Image.new("RGB", (1, limit)), ImageMetadata()).encode
    assert format == "avif" or encode(1)  # avif takes a second for it
    words = rf"{format} holds at most {limit} pixels .* has {limit + 1} x 1: choose png"
    with pytest.raises(ValueError, match=words):
        lossy_encoder(format, Image.new("RGB", (limit + 1, 1)), ImageMetadata())
    assert size_problem("png", (limit + 1, 1)) is None


def test_avif_without_codec_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any(format_problem(format) for format in FORMATS)
    monkeypatch.setattr(features, "check", lambda feature: False)
    assert "pip install --upgrade Pillow" in (format_problem("avif") or "")
    assert "choose webp" in (format_problem("avif") or "")
    assert format_problem("gif") == "format 'gif' is unknown: choose png, webp, jpeg, avif"


def test_webp_chunks_are_only_reordered() -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack("<4sI", kind, len(content)) + content + b"\0" * (len(content) % 2)

    x, alpha, pixels, exif = (
        chunk(kind, content)
        for kind, content in (
            (b"VP8X", bytes(10)),
            (b"ALPH", b"odd"),
            (b"VP8 ", b"even"),
            (b"EXIF", b"e"),
        )
    )
    head = b"RIFF\0\0\0\0WEBP"
    assert with_exif_first(head + x + alpha + pixels + exif) == head + x + exif + alpha + pixels
    assert with_exif_first(head + pixels) == head + pixels
