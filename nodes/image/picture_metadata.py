"""The metadata of a picture to save, and its name: prompts, settings and values of the graph."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import folder_paths
from comfy_api.latest import io
from comfy_execution.utils import get_executing_context

from nodes import NODE_CLASS_MAPPINGS

from ...tipo_core.pictures.files.file_hashes import (
    HashFolder,
    PictureHashes,
    picture_hashes,
    start_computing,
    wait_for,
)
from ...tipo_core.pictures.files.file_prefix import NamedNodes, filled_prefix
from ...tipo_core.pictures.files.generation_settings import (
    GenerationSettings,
    read_generated_size,
    read_generation_settings,
)
from ...tipo_core.pictures.files.graph_links import Graph
from ...tipo_core.pictures.files.infotext import NO_HASHES, infotext
from ...tipo_core.pictures.files.metadata import ImageMetadata, storable
from ...tipo_core.pictures.files.swept_values import SWEEP_NODE
from ...tipo_core.pictures.files.used_files import FOLDERS, UsedFile, read_used_files
from ...tipo_core.pictures.files.way_back import graph_of_picture
from ...tipo_core.report_lines import warning
from ..memory import check_interrupt, read_text
from ..sweep.sweep import sweep_choices

VERSION = "ComfyUI"
HASH_SECONDS = 2.0  # the longest wait of the save that starts to compute hashes


def changes_lists(class_type: str) -> bool:
    """Whether a node gives a list, or takes one whole: the order of its pictures is its own."""
    node = NODE_CLASS_MAPPINGS.get(class_type)
    gives = any(getattr(node, "OUTPUT_IS_LIST", None) or ())
    return bool(getattr(node, "INPUT_IS_LIST", False)) or gives


def list_index() -> int | None:
    """The place of the running call in the list for which ComfyUI runs a node several times."""
    context = get_executing_context()
    return context.list_index if context else None


def choices_of(prompt: Any) -> dict[str, list[str]]:
    """Return the host's names of samplers and schedulers, and of files that a sweep lists."""
    nodes = prompt.values() if isinstance(prompt, dict) else ()
    sweeps = [node for node in nodes if node.get("class_type") == SWEEP_NODE]
    axes = [node["inputs"].get(axis) for node in sweeps for axis in ("columns", "rows")]
    return sweep_choices(*(axis for axis in axes if isinstance(axis, str)))


def graph_of(hidden: io.HiddenHolder) -> Graph:
    """Return the graph that runs, for the picture of the running call."""
    graph = Graph(hidden.prompt, list_index(), choices_of(hidden.prompt))
    return graph_of_picture(graph, str(hidden.unique_id), changes_lists)


def prefix_of(hidden: io.HiddenHolder, graph: Graph, prefix: str) -> tuple[str, list[str]]:
    """Return a prefix with the values of the graph, and notes on what was not replaced.

    The page has replaced those that it knows.
    """
    nodes = NamedNodes(graph, (hidden.extra_pnginfo or {}).get("workflow"))
    return filled_prefix(prefix, nodes.value, datetime.now())


def settings_of(
    hidden: io.HiddenHolder,
    graph: Graph,
    text: str | None,
    negative: str | None,
    ran: GenerationSettings | None,
) -> GenerationSettings:
    """Return the settings of the pictures that the running node saves.

    Linked values come first: the prompts and `ran`, the settings of the sampler. The others are
    read from the graph.
    """
    found = read_generation_settings(graph, str(hidden.unique_id))
    if ran is not None:
        found = found.updated(ran)
    if text:
        found = replace(found, positive=text)
    return found if negative is None else replace(found, negative=negative)


def metadata_of(
    hidden: io.HiddenHolder,
    graph: Graph,
    settings: GenerationSettings,
    size: tuple[int, int],
    hashes: PictureHashes = NO_HASHES,
) -> ImageMetadata:
    """Return the metadata of pictures of (width, height)."""
    saved: dict[str, Any] = {"prompt": hidden.prompt, **(hidden.extra_pnginfo or {})}
    saved = {key: value for key, value in saved.items() if value is not None}
    generated = read_generated_size(graph, str(hidden.unique_id), size)
    return storable(saved, infotext(settings, "", generated, VERSION, hashes))


def hashes_of(
    hidden: io.HiddenHolder, graph: Graph, settings: GenerationSettings
) -> tuple[PictureHashes, str | None]:
    """Return the hashes of the model files, and a note on those that are still being computed.

    The first save of a file starts the computation in the background and waits for it shortly;
    later saves do not wait. Without steps no settings are written, and no hashes are needed.
    """
    if settings.steps is None:
        return NO_HASHES, None
    prompts = (settings.positive, settings.negative)
    node_id = str(hidden.unique_id)
    used = read_text(lambda: read_used_files(graph, node_id, prompts), *prompts)
    paths = {one: path for one in used if (path := _listed_path(one))}
    folder = HashFolder(Path(folder_paths.get_user_directory(), "__tipo_suite", "file_hashes"))
    known = {one: found for one, path in paths.items() if (found := folder.find(path, one.kind))}
    missing = [(path, one.kind) for one, path in paths.items() if one not in known]
    thread = start_computing(folder, missing)
    if thread:
        wait_for(thread, HASH_SECONDS, check_interrupt)
        known = {
            one: found for one, path in paths.items() if (found := folder.find(path, one.kind))
        }
    names = ", ".join(path.name for one, path in paths.items() if one not in known)
    has_failed = thread is not None and not thread.is_alive()
    note = f"(no hash yet, it is being computed: {names})"
    if has_failed:
        note = warning(f"no hash, see ComfyUI's log: {names}")
    return picture_hashes(known.items()), note if names else None


def _listed_path(used: UsedFile) -> Path | None:
    """The path of a file that is in one of ComfyUI's lists of its kind."""
    for folder in FOLDERS[used.kind]:
        if folder not in folder_paths.folder_names_and_paths:
            continue
        name = used.listed(folder_paths.get_filename_list(folder))
        path = name and folder_paths.get_full_path(folder, name)
        if path:
            return Path(path)
    return None
