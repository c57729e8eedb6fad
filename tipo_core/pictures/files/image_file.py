"""Encodes a picture by quality or by file size, reports on it, and writes the whole file."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ...report_lines import warnings_of
from .formats import JPEG, JPEG_EXIF_BYTES, PNG, encode_png, lossy_encoder
from .metadata import ImageMetadata
from .unfinished_files import unfinished_name

BYTES_PER_KB = 1000
LOWEST_QUALITY, HIGHEST_QUALITY = 1, 100


@dataclass(frozen=True)
class Encoded:
    """The bytes of a picture's file, the quality used, and notes for the user."""

    content: bytes
    how: str
    notes: tuple[str, ...] = ()


def kilobytes(count: int) -> str:
    """A file size in kB of 1000 bytes, exact to the byte, to compare with `target_kb`."""
    return f"{count / BYTES_PER_KB:.3f} kB"


def encoded(
    image: Image.Image,
    metadata: ImageMetadata,
    format: str,
    quality: int,
    target_kb: int = 0,
    before_each: Callable[[], None] = lambda: None,
) -> Encoded:
    """Encode a picture at a quality, or to a file of at most `target_kb` (0: by quality).

    The target counts the whole file with its metadata. `before_each` is called before each encode,
    of which the search for a target needs at most seven. Raises ValueError for a quality or target
    out of range, and for a picture larger than the format allows.
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
        found = search_quality(encode_next, target_kb * BYTES_PER_KB)
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
            "bytes of EXIF. Choose png, webp or avif to keep all of it"
        )
    return Encoded(content, how, tuple(notes))


@dataclass(frozen=True)
class QualitySearch:
    """The chosen file, its quality, the number of encodes, and whether it is within the target."""

    content: bytes
    quality: int
    encodes: int
    fits: bool


def search_quality(encode: Callable[[int], bytes], max_bytes: int) -> QualitySearch:
    """Find the highest quality with a file of at most `max_bytes` by binary search.

    `encode` returns the whole file at a quality; the search assumes that files grow with quality.
    A hundred qualities need at most seven encodes. Where no file fits, the smallest is chosen.
    """
    content, quality, encodes, fits = b"", 0, 0, False
    low, high = LOWEST_QUALITY, HIGHEST_QUALITY
    while low <= high:
        middle = (low + high) // 2
        tried = encode(middle)
        encodes += 1
        if len(tried) <= max_bytes:
            content, quality, fits = tried, middle, True
            low = middle + 1
        else:
            if not fits and (not content or len(tried) <= len(content)):
                content, quality = tried, middle
            high = middle - 1
    return QualitySearch(content, quality, encodes, fits)


def save_report(format: str, files: list[tuple[str, Encoded]]) -> str:
    """Report each file (path, picture) on a line, then each note once."""
    lines = [f"{path}: {format}, {kilobytes(len(one.content))}, {one.how}" for path, one in files]
    notes = dict.fromkeys(note for _, one in files for note in one.notes)
    return "\n".join([*lines, *warnings_of(notes)])


def disk_problem(error: OSError, folder: str | Path) -> str:
    """The message for an error of the disk: the folder, the cause, the remedy."""
    remedies = {
        errno.ENOSPC: "the disk is full: free some space",
        errno.EDQUOT: "your disk quota is used up: free some space",
        errno.EFBIG: "the file is larger than the disk allows: save fewer or smaller pictures",
        errno.EROFS: "the disk is read-only: choose another output folder (--output-directory)",
        errno.EACCES: "ComfyUI may not write there: change the folder's permissions, or choose "
        "another output folder (--output-directory)",
        errno.ENAMETOOLONG: "a name is longer than the file system allows, usually 255 bytes for a "
        "folder or file: shorten filename_prefix",
    }
    remedy = remedies.get(error.errno or 0, f"{error.strerror or error}: check the folder")
    return f"The picture cannot be saved in '{folder}': {remedy}. No incomplete file is left."


def write_whole(path: Path, content: bytes) -> None:
    """Write a file completely or not at all, through a temporary file in the same folder.

    The content is on the disk before the file has its name: a power cut leaves no empty file.
    Raises OSError with the remedy in its text (`disk_problem`) and removes the temporary file.
    """
    unfinished = path.with_name(unfinished_name(os.getpid()))
    try:
        try:
            unfinished.write_bytes(content)
            _flush(unfinished)
            os.replace(unfinished, path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OSError(disk_problem(error, path.parent)) from error


def _flush(path: Path) -> None:
    """Wait until a file is on the disk, where the file system can say so."""
    with path.open("rb+") as file:
        try:
            os.fsync(file.fileno())
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
                raise
