"""The metadata of a picture to save: the graph, the prompts and the settings that made it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from comfy_api.latest import io
from comfy_execution.utils import get_executing_context

from nodes import NODE_CLASS_MAPPINGS

from ...tipo_core.pictures.files.generation_settings import (
    GenerationSettings,
    read_generated_size,
    read_generation_settings,
)
from ...tipo_core.pictures.files.infotext import infotext
from ...tipo_core.pictures.files.metadata import ImageMetadata, storable
from ...tipo_core.pictures.sampling.axis import CHECKPOINT
from ..inputs import sampler_choices
from ..vae.vae_files import listed_checkpoints

VERSION = "ComfyUI"


def changes_lists(class_type: str) -> bool:
    """Whether a node gives a list, or takes one whole: the order of its pictures is its own."""
    node = NODE_CLASS_MAPPINGS.get(class_type)
    gives = any(getattr(node, "OUTPUT_IS_LIST", None) or ())
    return bool(getattr(node, "INPUT_IS_LIST", False)) or gives


def list_index() -> int | None:
    """The place of the running call in the list for which ComfyUI runs a node several times."""
    context = get_executing_context()
    return context.list_index if context else None


def settings_of(
    hidden: io.HiddenHolder,
    text: str | None,
    negative: str | None,
    ran: GenerationSettings | None,
) -> GenerationSettings:
    """Return the settings of the pictures that the running node saves.

    Linked values come first: the prompts and `ran`, the settings of the sampler. The others are
    read from the graph.
    """
    found = read_generation_settings(
        hidden.prompt,
        str(hidden.unique_id),
        list_index=list_index(),
        choices={**sampler_choices(), CHECKPOINT: listed_checkpoints()},
        changes_lists=changes_lists,
    )
    if ran is not None:
        found = found.updated(ran)
    if text:
        found = replace(found, positive=text)
    return found if negative is None else replace(found, negative=negative)


def metadata_of(
    hidden: io.HiddenHolder, settings: GenerationSettings, size: tuple[int, int]
) -> ImageMetadata:
    """Return the metadata of pictures of (width, height)."""
    graph: dict[str, Any] = {"prompt": hidden.prompt, **(hidden.extra_pnginfo or {})}
    graph = {key: value for key, value in graph.items() if value is not None}
    generated = read_generated_size(hidden.prompt, str(hidden.unique_id), size)
    return storable(graph, infotext(settings, "", generated, VERSION))
