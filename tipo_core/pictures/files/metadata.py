"""The metadata of a picture file: the graph and the prompt, as PNG chunks and as EXIF."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from PIL.PngImagePlugin import PngInfo

from .exif import exif_of

# Baseline TIFF tags; ComfyUI's front end reads "key:value" texts from any of them. After the tags
# for names (Make, DocumentName) come numbers that no registered tag has.
MAKE, MODEL, DESCRIPTION = 0x010F, 0x0110, 0x010E
OTHER_TAGS = (0x010D, *range(0xFE00, 0xFF00))


@dataclass(frozen=True)
class ImageMetadata:
    """The metadata of one picture.

    `graph` has the JSON values under ComfyUI's own keys: `prompt` (API form) and those of
    `extra_pnginfo`, of which the front end restores `workflow`. `parameters` is the text
    (`infotext`) under the key that A1111's readers know; empty for none.
    """

    graph: Mapping[str, Any] = field(default_factory=dict)
    parameters: str = ""

    def present_keys(self) -> list[str]:
        """The keys present, in the order in which they are left out to save space."""
        graph = sorted(self.graph, key=lambda key: (key == "prompt") - (key == "workflow"))
        return [*graph, *(["parameters"] if self.parameters else [])]

    def without(self, key: str) -> ImageMetadata:
        """Return the metadata without one of its keys."""
        if key == "parameters":
            return replace(self, parameters="")
        return replace(self, graph={k: v for k, v in self.graph.items() if k != key})


def storable(graph: Mapping[str, Any], parameters: str) -> ImageMetadata:
    """Metadata that every format can store: keys are short ASCII names, Unicode is valid."""
    named = {
        key: value
        for key, value in graph.items()
        if key.isascii() and key.isprintable() and 0 < len(key) < 80
    }
    return ImageMetadata(named, parameters.encode("utf-8", "replace").decode("utf-8"))


def json_text(value: Any) -> str:
    """ASCII JSON; NaN, which ComfyUI writes for nodes that always run, becomes null."""
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
    """The text chunks of a PNG."""
    info = PngInfo()
    for key, value in metadata.graph.items():
        info.add_text(key, json_text(value))
    if metadata.parameters:
        info.add_text("parameters", metadata.parameters)
        if metadata.graph:
            # ComfyUI's front end prefers `parameters` to the workflow, and keeps the last chunk of
            # a name. An empty chunk of ComfyUI's private type `comf`, which other readers ignore,
            # makes the front end read the workflow.
            info.add(b"comf", b"parameters\0")
    return info


def exif_bytes(metadata: ImageMetadata) -> bytes:
    """EXIF for WebP, JPEG and AVIF: the graph as ComfyUI writes it, the text as A1111 does.

    `workflow` is in Make and other keys in `OTHER_TAGS`, each as "key:JSON"; the text is in
    UserComment. `prompt` is in Model, where ComfyUI has it, if there is no text: a reader of the
    text may take Model for JSON and fail, so with a text `prompt` is in ImageDescription. No bytes
    for no metadata.
    """
    own = {"workflow": MAKE, "prompt": DESCRIPTION if metadata.parameters else MODEL}
    others = (key for key in metadata.graph if key not in own)
    tags = own | dict(zip(others, OTHER_TAGS, strict=False))
    texts = {
        tag: f"{key}:{json_text(metadata.graph[key])}"
        for key, tag in tags.items()
        if key in metadata.graph
    }
    return exif_of(texts, metadata.parameters)


def fitting_exif(metadata: ImageMetadata, limit: int) -> tuple[bytes, list[str]]:
    """EXIF of at most `limit` bytes, and the keys left out to fit, `workflow` first."""
    left_out: list[str] = []
    for key in metadata.present_keys():
        if len(exif := exif_bytes(metadata)) <= limit:
            return exif, left_out
        metadata = metadata.without(key)
        left_out.append(key)
    return b"", left_out
