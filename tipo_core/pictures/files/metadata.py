"""What goes into a picture file beside the pixels, and the forms that the formats hold it in."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

# Baseline TIFF tags; ComfyUI's front end reads "key:value" texts from any of them. Behind those
# for names come numbers that no registered tag has.
EXIF_MODEL, EXIF_IFD, EXIF_USER_COMMENT = 0x0110, 0x8769, 0x9286
EXIF_OTHERS = (0x010F, 0x010E, 0x010D, *range(0xFE00, 0xFF00))


@dataclass(frozen=True)
class ImageMetadata:
    """What goes into the file beside the pixels.

    `graph` holds the JSON values under ComfyUI's own keys: `prompt` (API form) and those of
    `extra_pnginfo`, of which `workflow` is the one the front end restores. `parameters` is the
    text (`infotext`) under the key that A1111's readers know; empty for none.
    """

    graph: Mapping[str, Any] = field(default_factory=dict)
    parameters: str = ""

    def parts(self) -> list[str]:
        """What there is, in the order in which it may be left out where room is short."""
        graph = sorted(self.graph, key=lambda key: (key == "prompt") - (key == "workflow"))
        return [*graph, *(["parameters"] if self.parameters else [])]

    def without(self, key: str) -> ImageMetadata:
        if key == "parameters":
            return replace(self, parameters="")
        return replace(self, graph={k: v for k, v in self.graph.items() if k != key})


def storable(graph: Mapping[str, Any], parameters: str) -> ImageMetadata:
    """Metadata without what no format can hold: keys that are no plain names, broken Unicode."""
    named = {
        key: value
        for key, value in graph.items()
        if key.isascii() and key.isprintable() and 0 < len(key) < 80
    }
    return ImageMetadata(named, parameters.encode("utf-8", "replace").decode("utf-8"))


def json_text(value: Any) -> str:
    """ASCII JSON, with null for NaN, which ComfyUI notes for nodes that always run."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_without_nan(value))


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def png_info(metadata: ImageMetadata) -> PngInfo:
    """Text chunks of the PNG."""
    info = PngInfo()
    for key, value in metadata.graph.items():
        info.add_text(key, json_text(value))
    if metadata.parameters:
        info.add_text("parameters", metadata.parameters)
        if metadata.graph:
            # ComfyUI's front end prefers `parameters` to the workflow, and keeps the last chunk of
            # a name. An empty one in ComfyUI's private chunk type `comf`, which other readers pass
            # over, gives the workflow back its place.
            info.add(b"comf", b"parameters\0")
    return info


def exif_bytes(metadata: ImageMetadata) -> bytes:
    """EXIF for WebP, JPEG and AVIF: the graph as ComfyUI writes it, the text as A1111 does.

    `prompt` goes to Model, `workflow` to Make and the rest to the tags beside it, each as
    "key:JSON"; the text goes to UserComment in the EXIF 2.3 coding of Unicode (UTF-16,
    big-endian). Empty where there is nothing to write.
    """
    if not metadata.parts():
        return b""
    exif = Image.Exif()
    others = [key for key in metadata.parts() if key not in ("prompt", "parameters")]
    tags = {"prompt": EXIF_MODEL, **dict(zip(others, EXIF_OTHERS, strict=False))}
    for key, tag in tags.items():
        if key in metadata.graph:
            exif[tag] = f"{key}:{json_text(metadata.graph[key])}"
    if metadata.parameters:
        comment = b"UNICODE\0" + metadata.parameters.encode("utf-16-be")
        exif.get_ifd(EXIF_IFD)[EXIF_USER_COMMENT] = comment
    return exif.tobytes()


def fitting_exif(metadata: ImageMetadata, limit: int) -> tuple[bytes, list[str]]:
    """EXIF of at most `limit` bytes, and the keys left out for it: the workflow first."""
    left_out: list[str] = []
    for key in metadata.parts():
        if len(exif := exif_bytes(metadata)) <= limit:
            return exif, left_out
        metadata = metadata.without(key)
        left_out.append(key)
    return b"", left_out
