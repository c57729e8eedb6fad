"""Writes EXIF: texts in the first directory, and the user comment that A1111's readers know.

Pillow is not used: it writes the user comment as numbers of type BYTE, where the standard and the
readers (piexif, A1111) want UNDEFINED. Numbers are big-endian, as in A1111's files: exiv2 takes the
byte order of the comment for that of the file.

TIFF 6.0, section 2; EXIF 2.3, section 4.6.5 (UserComment).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

HEADER = b"Exif\0\0"
ASCII, LONG, UNDEFINED = 2, 4, 7
EXIF_DIRECTORY, USER_COMMENT = 0x8769, 0x9286
UNICODE = b"UNICODE\0"
_TIFF = b"MM\0*"

_Field = tuple[int, int, int, bytes]  # tag, type, number of values, values


def exif_of(texts: Mapping[int, str], comment: str) -> bytes:
    """Return EXIF with ASCII texts by their tag and a Unicode user comment; b"" for neither.

    Raises UnicodeEncodeError for a text that is not ASCII and a comment that is not valid Unicode.
    """
    if not texts and not comment:
        return b""
    fields = []
    for tag, text in texts.items():
        value = text.encode("ascii") + b"\0"
        fields.append((tag, ASCII, len(value), value))
    if not comment:
        return HEADER + _TIFF + struct.pack(">I", 8) + _directory(fields, 8)
    # The directory of the comment follows the first one, whose size does not depend on the pointer.
    pointer = (EXIF_DIRECTORY, LONG, 1, bytes(4))
    end = 8 + len(_directory([*fields, pointer], 8))
    first = _directory([*fields, (EXIF_DIRECTORY, LONG, 1, struct.pack(">I", end))], 8)
    value = UNICODE + comment.encode("utf-16-be")
    second = _directory([(USER_COMMENT, UNDEFINED, len(value), value)], end)
    return HEADER + _TIFF + struct.pack(">I", 8) + first + second


def _directory(fields: list[_Field], start: int) -> bytes:
    """Return a directory that begins at byte `start` of the TIFF, followed by its long values."""
    values_at = start + 2 + 12 * len(fields) + 4
    entries, values = struct.pack(">H", len(fields)), b""
    for tag, kind, count, value in sorted(fields):
        entries += struct.pack(">HHI", tag, kind, count)
        if len(value) <= 4:
            entries += value.ljust(4, b"\0")
        else:
            entries += struct.pack(">I", values_at + len(values))
            values += value + b"\0" * (len(value) % 2)
    return entries + bytes(4) + values
