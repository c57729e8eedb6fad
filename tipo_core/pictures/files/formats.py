"""The picture formats: their limits, and their encoders."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from .metadata import ImageMetadata, exif_bytes, fitting_exif, png_info

PNG, WEBP, JPEG, AVIF = FORMATS = ["png", "webp", "jpeg", "avif"]
ENDINGS = {PNG: "png", WEBP: "webp", JPEG: "jpg", AVIF: "avif"}
# Limits of libwebp, libjpeg and AV1, in pixels.
LARGEST_SIDE = {WEBP: 16383, JPEG: 65500, AVIF: 65536}
# EXIF is one segment of a JPEG, whose length has two bytes.
JPEG_EXIF_BYTES = 65533


def format_problem(format: str) -> str | None:
    """The reason that a format cannot be written here, with the remedy, or None."""
    if format not in FORMATS:
        return f"format {format!r} is unknown: choose {', '.join(FORMATS)}"
    from PIL import features  # imported on first use: ComfyUI does not load it

    if format == AVIF and not features.check(AVIF):
        return (
            "AVIF cannot be written: this Pillow is older than 11.3 or built without it. Run "
            "'pip install --upgrade Pillow' in ComfyUI's Python, or choose webp."
        )
    return None


def size_problem(format: str, size: tuple[int, int]) -> str | None:
    """The reason that a format cannot store a picture of (width, height), or None."""
    limit = LARGEST_SIDE.get(format)
    if limit is None or max(size) <= limit:
        return None
    return (
        f"{format} holds at most {limit} pixels a side, the picture has {size[0]} x {size[1]}: "
        f"choose {PNG}."
    )


def over_white(image: Image.Image) -> Image.Image:
    """Lay a picture with alpha over white, as a web page shows it."""
    with_alpha = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, with_alpha).convert("RGB")


def with_exif_first(webp: bytes) -> bytes:
    """Move the EXIF chunk of a WebP file before the pixels, which the format allows.

    ComfyUI's front end forgets the padding byte after a chunk of odd length. The alpha chunk often
    has one, and the front end does not find the graph after it.
    """
    chunks, at = [], 12
    while at + 8 <= len(webp):
        kind, size = struct.unpack_from("<4sI", webp, at)
        end = at + 8 + size + size % 2
        chunks.append((kind, webp[at:end]))
        at = end
    order = {b"VP8X": 0, b"EXIF": 1}
    chunks.sort(key=lambda chunk: order.get(chunk[0], 2))
    return webp[:12] + b"".join(chunk for _, chunk in chunks)


def encode_png(image: Image.Image, metadata: ImageMetadata) -> bytes:
    """Encode a lossless PNG at the compression level of ComfyUI's Save Image."""
    file = BytesIO()
    image.save(file, format="PNG", pnginfo=png_info(metadata), compress_level=4)
    return file.getvalue()


@dataclass(frozen=True)
class LossyEncoder:
    """Encodes one picture to the bytes of a file, by quality (1 to 100)."""

    encode: Callable[[int], bytes]
    metadata_bytes: int
    left_out: list[str]  # keys of the metadata that do not fit


def lossy_encoder(format: str, image: Image.Image, metadata: ImageMetadata) -> LossyEncoder:
    """Return the encoder of a picture with its metadata for a format other than PNG.

    WebP and AVIF keep alpha; JPEG has none (`over_white`). Raises ValueError for a picture larger
    than the format allows.
    """
    if problem := size_problem(format, image.size):
        raise ValueError(problem)
    if format == JPEG:
        # No front end opens the graph of a JPEG, and one reader of JPEGs fails at `prompt`.
        exif, left_out = fitting_exif(metadata.without("prompt"), JPEG_EXIF_BYTES)
        if image.mode not in ("RGB", "L"):
            image = over_white(image)
    else:
        exif, left_out = exif_bytes(metadata), []

    def encode(quality: int) -> bytes:
        file = BytesIO()
        image.save(file, format=format.upper(), quality=quality, exif=exif)
        content = file.getvalue()
        return with_exif_first(content) if format == WEBP else content

    return LossyEncoder(encode, len(exif), left_out)
