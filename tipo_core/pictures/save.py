"""Picture files with the workflow and the prompt inside, written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

WEBP_LARGEST_SIDE = 16383
# Baseline TIFF tags; ComfyUI's front end reads "key:value" texts from any of them.
EXIF_MAKE, EXIF_MODEL, EXIF_IFD, EXIF_USER_COMMENT = 0x010F, 0x0110, 0x8769, 0x9286


@dataclass(frozen=True)
class ImageMetadata:
    """What goes into the file beside the pixels.

    `graph` holds the JSON values under ComfyUI's own keys: `prompt` (API form) and those of
    `extra_pnginfo`, of which `workflow` is the one the front end restores. `parameters` is the
    prompt text, under the key that A1111's readers know; empty for none.
    """

    graph: Mapping[str, Any] = field(default_factory=dict)
    parameters: str = ""


def png_info(metadata: ImageMetadata) -> PngInfo:
    """Text chunks of the PNG."""
    info = PngInfo()
    for key, value in metadata.graph.items():
        info.add_text(key, json.dumps(value))
    if metadata.parameters:
        info.add_text("parameters", metadata.parameters)
        if metadata.graph:
            # ComfyUI's front end prefers `parameters` to the workflow, and keeps the last chunk of
            # a name. An empty one in ComfyUI's private chunk type `comf`, which other readers pass
            # over, gives the workflow back its place.
            info.add(b"comf", b"parameters\0")
    return info


def encode_png(image: Image.Image, metadata: ImageMetadata) -> bytes:
    """Lossless PNG at the compression level of ComfyUI's Save Image."""
    file = BytesIO()
    image.save(file, format="PNG", pnginfo=png_info(metadata), compress_level=4)
    return file.getvalue()


def webp_exif(metadata: ImageMetadata) -> Image.Exif:
    """EXIF of the WebP: the graph as ComfyUI writes it, the prompt text as A1111 does.

    `prompt` goes to Model, the rest to Make and the tags below it, each as "key:JSON"; the prompt
    text goes to UserComment in the EXIF 2.3 coding of Unicode (UTF-16, big-endian).
    """
    exif = Image.Exif()
    others = [key for key in metadata.graph if key != "prompt"]
    tags = {"prompt": EXIF_MODEL} | {key: EXIF_MAKE - i for i, key in enumerate(others)}
    for key, value in metadata.graph.items():
        exif[tags[key]] = f"{key}:{json.dumps(value)}"
    if metadata.parameters:
        comment = b"UNICODE\0" + metadata.parameters.encode("utf-16-be")
        exif.get_ifd(EXIF_IFD)[EXIF_USER_COMMENT] = comment
    return exif


def encode_webp(image: Image.Image, metadata: ImageMetadata, quality: int) -> bytes:
    """Lossy WebP. Raises ValueError for a picture larger than the format holds."""
    if max(image.size) > WEBP_LARGEST_SIDE:
        raise ValueError(
            f"WebP holds at most {WEBP_LARGEST_SIDE} pixels a side, the picture has "
            f"{image.width} x {image.height}: choose png."
        )
    file = BytesIO()
    image.save(file, format="WEBP", quality=quality, exif=webp_exif(metadata))
    return file.getvalue()


def disk_problem(error: OSError, folder: str | Path) -> str:
    """An error of the disk as a person can use it: which folder, why, what to do."""
    remedies = {
        errno.ENOSPC: "the disk is full: free some space",
        errno.EDQUOT: "your disk quota is used up: free some space",
        errno.EFBIG: "the file is larger than the disk allows: save fewer or smaller pictures",
        errno.EROFS: "the disk is read-only: choose another output folder (--output-directory)",
        errno.EACCES: "ComfyUI may not write there: change the folder's permissions, or choose "
        "another output folder (--output-directory)",
    }
    remedy = remedies.get(error.errno or 0, f"{error.strerror or error}: check the folder")
    return f"The picture cannot be saved in '{folder}': {remedy}. No half file was left."


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path`, so that the file is there complete or not there at all.

    Raises OSError with the remedy in its text (`disk_problem`), and then leaves nothing behind.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            unfinished.write_bytes(content)
            os.replace(unfinished, path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OSError(disk_problem(error, path.parent)) from error
