"""A picture as a file: encoded by quality or size, described, written whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from .formats import JPEG, JPEG_EXIF_BYTES, PNG, encode_png, lossy_encoder
from .metadata import ImageMetadata
from .target_size import HIGHEST_QUALITY, LOWEST_QUALITY, fitted_to

BYTES_PER_KB = 1000


@dataclass(frozen=True)
class Encoded:
    """The bytes of a picture's file, how they came about, and what a person should know of it."""

    content: bytes
    how: str
    notes: tuple[str, ...] = ()


def kilobytes(count: int) -> str:
    """A size in kB of 1000 bytes, exact to the byte."""
    return f"{count / BYTES_PER_KB:.3f} kB"


def encoded(
    image: Image.Image,
    metadata: ImageMetadata,
    format: str,
    quality: int,
    target_kb: int = 0,
    before_each: Callable[[], None] = lambda: None,
) -> Encoded:
    """The file of a picture at a quality, or at most `target_kb` large (0 = by quality).

    The target counts the whole file with its metadata; `before_each` is called before each of the
    at most seven encodes that its search takes. Raises ValueError for a quality that is none and
    for a picture that is larger than the format holds.
    """
    if not LOWEST_QUALITY <= quality <= HIGHEST_QUALITY or target_kb < 0:
        raise ValueError(
            f"quality {quality}, target_kb {target_kb}: give a quality of {LOWEST_QUALITY} to "
            f"{HIGHEST_QUALITY}, and a target_kb of 0 (off) or more"
        )
    if format == PNG:
        before_each()
        ignored = (f"target_kb {target_kb} does not apply: png is lossless",) if target_kb else ()
        return Encoded(encode_png(image, metadata), "lossless", ignored)
    encoder = lossy_encoder(format, image, metadata)

    def encode_next(quality: int) -> bytes:
        before_each()
        return encoder.encode(quality)

    notes = []
    if not target_kb:
        content, how = encode_next(quality), f"quality {quality}"
    else:
        found = fitted_to(encode_next, target_kb * BYTES_PER_KB)
        content = found.content
        how = f"quality {found.quality}, {found.encodes} encodes for {target_kb} kB"
        if not found.fits:
            notes.append(
                f"larger than target_kb {target_kb}: even quality {found.quality} does not fit; "
                f"{kilobytes(encoder.metadata_bytes)} of the file is metadata. Choose a larger "
                "target, or save a smaller picture"
            )
    if format == JPEG and "A" in image.getbands():
        notes.append("alpha is laid over white: jpeg has none")
    if encoder.left_out:
        notes.append(
            f"left out of the file: {', '.join(encoder.left_out)}; a jpeg holds {JPEG_EXIF_BYTES} "
            "bytes of EXIF. png, webp and avif hold all of it"
        )
    return Encoded(content, how, tuple(notes))


def save_report(format: str, files: list[tuple[str, Encoded]]) -> str:
    """What was saved, a line for each file (path, picture), then each note once."""
    lines = [f"{path}: {format}, {kilobytes(len(one.content))}, {one.how}" for path, one in files]
    notes = dict.fromkeys(note for _, one in files for note in one.notes)
    return "\n".join([*lines, *(f"({note})" for note in notes)])


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
