"""ComfyUI's front end (1.32.9) as a reader of dropped pictures, rewritten in Python.

It follows the original line by line, bugs included: it misses the workflows that the original
misses. It raises IndexError or struct.error where the original never settles its promise.
"""

from __future__ import annotations

import json
import struct
from typing import Any


def read_png(content: bytes) -> dict[str, str]:
    """getFromPngBuffer: these chunk types, the last of a name counts."""
    assert content.startswith(b"\x89PNG")
    found, at = {}, 8
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        if content[at + 4 : at + 8] in (b"tEXt", b"comf", b"iTXt"):
            end = content.index(0, at + 8)
            value = content[end + 1 : at + 8 + length]
            found[content[at + 8 : end].decode("latin-1")] = value.decode("utf-8", "replace")
        at += 12 + length
    return found


def read_ifd(tiff: bytes) -> list[str]:
    """parseExifData: the ASCII entries of the first directory, always taken as offsets."""
    order = "<" if tiff[:2] == b"II" else ">"
    (at,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    texts = []
    for entry in range(count):
        _, kind, length, offset = struct.unpack_from(f"{order}HHII", tiff, at + 2 + 12 * entry)
        if kind == 2:
            texts.append(tiff[offset : offset + length - 1].decode("utf-8", "replace"))
    return texts


def read_webp(content: bytes) -> dict[str, str]:
    """getWebpMetadata: steps over chunks without their padding."""
    assert content.startswith(b"RIFF") and content[8:12] == b"WEBP"
    at = 12
    while at < len(content):
        (length,) = struct.unpack_from("<I", content, at + 4)
        if content[at : at + 4] == b"EXIF":
            if content[at + 8 : at + 14] == b"Exif\0\0":
                at += 6
            texts = read_ifd(content[at + 8 : at + 8 + length])
            return dict(text.split(":", 1) for text in texts)
        at += 8 + length
    return {}


def find_box(content: bytes, at: int, end: int, kind: bytes) -> tuple[int, int] | None:
    """findBox: start and end of a box's content; a size of 0 or beyond the end stops it."""
    while at + 8 <= end:
        (size,) = struct.unpack_from(">I", content, at)
        if size == 0:
            return None
        if content[at + 4 : at + 8] == kind:
            return at + 8, at + size
        if at + size > end:
            return None
        at += size
    return None


def exif_item(content: bytes, start: int) -> int | None:
    """parseIinfBox: the number of the first item of type Exif (entries of version 2 and 3)."""
    version = content[start]
    form = ">H" if version == 0 else ">I"
    (count,) = struct.unpack_from(form, content, start + 4)
    at = start + 4 + struct.calcsize(form)
    for _ in range(count):
        (size,) = struct.unpack_from(">I", content, at)
        infe = content[at + 8]
        assert infe in (2, 3), f"infe version {infe} is an error in the front end"
        item, _, kind = struct.unpack_from(">HH4s" if infe == 2 else ">IH4s", content, at + 12)
        if kind == b"Exif":
            return int(item)
        at += size
    return None


def first_extent(content: bytes, start: int, wanted: int) -> tuple[int, int] | None:
    """parseIlocBox: offset and length of an item's first extent; base offsets are not added."""
    version = content[start]
    offset_size, length_size = content[start + 4] >> 4, content[start + 4] & 15
    base_size = content[start + 5] >> 4
    index_size = content[start + 5] & 15 if version in (1, 2) else 0
    form = ">H" if version < 2 else ">I"
    (count,) = struct.unpack_from(form, content, start + 6)
    at = start + 6 + struct.calcsize(form)
    for _ in range(count):
        (item,) = struct.unpack_from(form, content, at)
        at += struct.calcsize(form) + (2 if version in (1, 2) else 0) + 2 + base_size
        (extents,) = struct.unpack_from(">H", content, at)
        at += 2
        for number in range(extents):
            at += index_size
            (offset,) = struct.unpack_from(">I", content, at)
            (length,) = struct.unpack_from(">I", content, at + offset_size)
            at += offset_size + length_size
            if item == wanted and number == 0:
                return offset, length
    return None


def read_avif(content: bytes) -> dict[str, str]:
    """parseAvifMetadata: prompt and workflow of the Exif item, the first extent as absolute."""
    if content[4:12] != b"ftypavif":
        return {}
    meta = find_box(content, 0, len(content), b"meta")
    if meta is None:
        return {}
    iinf, iloc = (find_box(content, meta[0] + 4, meta[1], kind) for kind in (b"iinf", b"iloc"))
    assert iinf and iloc
    item = exif_item(content, iinf[0])
    extent = None if item is None else first_extent(content, iloc[0], item)
    if extent is None:
        return {}
    exif = content[extent[0] : extent[0] + extent[1]]
    headers = [exif.find(header) for header in (b"MM\0*", b"II*\0") if header in exif]
    found = {}
    for text in read_ifd(exif[min(headers) :]) if headers else []:
        key, value = text.split(":", 1)
        if key.lower() in ("prompt", "workflow"):
            found[key.lower()] = json.dumps(json.loads(value))
    return found


def dropped(content: bytes, mime: str) -> tuple[str, Any]:
    """Return the kind (A1111, workflow, prompt) and the content that the front end opens.

    The original functions are getWorkflowDataFromFile and handleFile.

    ("error", None) is the message that the file holds no workflow.
    """
    readers = {"image/png": read_png, "image/webp": read_webp, "image/avif": read_avif}
    found = readers[mime](content) if mime in readers else {}
    if mime == "image/webp":
        found = {key: found[key] for key in ("workflow", "prompt") if key in found}
    if found.get("parameters"):
        return "A1111", found["parameters"]
    for key in ("workflow", "prompt"):
        if found.get(key):
            return key, json.loads(found[key], parse_constant=_no_constant)
    return "error", None


def _no_constant(name: str) -> Any:
    raise ValueError(f"JSON.parse knows no {name}")
