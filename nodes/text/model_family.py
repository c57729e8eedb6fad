"""Model families in the host: the menu, the user's folders, the graph's model, token counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import folder_paths
from comfy_api.latest import io

from ...tipo_core.prompt.families.family_files import SHIPPED, family_files
from ...tipo_core.report_lines import warning, warnings_of
from ..fingerprint import state_of

if TYPE_CHECKING:
    from ...tipo_core.prompt.families.family import Family
    from ...tipo_core.prompt.families.family_guess import GraphModel

NO_FAMILY, AUTO_FAMILY = "none", "auto"
FOLDER = "tipo_families"
# Longer texts are not counted: CLIP's tokenizer reads about 100,000 characters a second.
MAX_COUNTED = 100_000
# ComfyUI's tokenizers that need no file besides ComfyUI's own.
_TOKENIZER_MODULES: Mapping[str, str] = MappingProxyType(
    {
        "SD1Tokenizer": "comfy.sd1_clip",
        "SDXLTokenizer": "comfy.sdxl_clip",
        "SD3Tokenizer": "comfy.text_encoders.sd3_clip",
        "FluxTokenizer": "comfy.text_encoders.flux",
        "KleinTokenizer": "comfy.text_encoders.flux",
        "QwenImageTokenizer": "comfy.text_encoders.qwen_image",
        "ZImageTokenizer": "comfy.text_encoders.z_image",
        "AnimaTokenizer": "comfy.text_encoders.anima",
    }
)


def family_folders() -> list[Path]:
    """Return the folders of the user's families; configured paths precede models/tipo_families."""
    folders = [Path(folder_paths.models_dir) / FOLDER]
    if FOLDER in folder_paths.folder_names_and_paths:
        folders = [*map(Path, folder_paths.get_folder_paths(FOLDER)), *folders]
    return list(dict.fromkeys(folders))


def family_choices() -> list[str]:
    """Return the entries of the menu of families."""
    return [NO_FAMILY, AUTO_FAMILY, *family_files(family_folders())]


def families_fingerprint(choice: str | None) -> str:
    """Return the state of the user's families, so that a changed file is read again."""
    if choice == NO_FAMILY:
        return ""
    own = [path for path in family_files(family_folders()).values() if path.parent != SHIPPED]
    try:
        return state_of(own)
    except OSError:
        return ""


def chosen_family(choice: str, shown: Callable[[], GraphModel]) -> tuple[Family | None, list[str]]:
    """Return the family of a menu entry and lines for the report, None for no family.

    'auto' guesses from `shown`. A file that cannot be used is an error if it is chosen, and a line
    of the report if 'auto' leaves it out. Raises ValueError for an unknown entry.
    """
    from ...tipo_core.prompt.families.family_guess import guess_family
    from ...tipo_core.prompt.families.family_loading import load_families, load_family

    if choice == NO_FAMILY:
        return None, []
    files = family_files(family_folders())
    if choice != AUTO_FAMILY:
        if choice not in files:
            known = ", ".join([NO_FAMILY, AUTO_FAMILY, *files])
            raise ValueError(f"family {choice!r} is unknown: choose {known}")
        family = load_family(choice, files)
        return family, [f"family: {family.label}, as chosen{_origin(files[choice])}"]
    families, problems = load_families(files)
    errors = warnings_of(problems)
    guess = guess_family(families, shown())
    if guess.family is None:
        return None, [warning(f"family: {guess.how}; the preset is used"), *errors]
    origin = _origin(files[guess.family.name])
    return guess.family, [f"family: {guess.family.label}, {guess.how}{origin}", *errors]


def _origin(path: Path) -> str:
    return "" if path.parent == SHIPPED else f" (your file {path.name})"


def graph_model(hidden: io.HiddenHolder, model: Any, clip: Any) -> GraphModel:
    """Return what the graph shows of the model at the inputs `model` and `clip` of a node."""
    from ...tipo_core.pictures.files.generation_settings import MODEL_INPUTS, model_file
    from ...tipo_core.pictures.files.graph_links import Graph
    from ...tipo_core.prompt.families.family_guess import GraphModel

    config = getattr(getattr(model, "model", None), "model_config", None)
    tokenizer = getattr(clip, "tokenizer", None)
    graph = Graph(hidden.prompt)
    node = graph.node(str(hidden.unique_id))
    names = [model_file(graph, node)]
    names += [
        graph.value(loader, name, str)
        for loader in graph.chain(node, "clip")
        for name in MODEL_INPUTS
    ]
    return GraphModel(
        architecture="" if config is None else type(config).__name__,
        tokenizer="" if tokenizer is None else type(tokenizer).__name__,
        file_name=next((name for name in names if name), ""),
    )


def token_counts(family: Family, clip: Any, clip_text: str, t5_text: str) -> dict[str, list[int]]:
    """Return the tokens of text in each piece that an encoder reads, by ComfyUI's keys.

    The tokenizers are those of `clip`, or without it ComfyUI's own for the family. The result is
    empty for texts of more than `MAX_COUNTED` characters and for tokenizers that are not there.
    """
    from ...tipo_core.prompt.families.family_prompt import CLIP_KEYS

    tokenize = _tokenizer(family, clip)
    if tokenize is None or max(len(clip_text), len(t5_text)) > MAX_COUNTED:
        return {}
    counts: dict[str, list[int]] = {}
    for text, is_clip in ((clip_text, True), (t5_text, False)):
        empty, found = _counted(tokenize, ""), _counted(tokenize, text)
        for key, pieces in found.items():
            if (key in CLIP_KEYS) is is_clip:
                # A language model's chat template counts as words.
                pieces[0] -= sum(empty.get(key, []))
                counts[key] = pieces
    return counts


def _counted(tokenize: Callable[[str], Any], text: str) -> dict[str, list[int]]:
    try:
        tokens = tokenize(text)
    except RecursionError:
        # Brackets that are nested too deeply: the encode names them.
        return {}
    if not isinstance(tokens, Mapping):
        return {}
    return {
        key: [sum(len(entry) == 3 and entry[2] != 0 for entry in piece) for piece in pieces]
        for key, pieces in tokens.items()
        if isinstance(pieces, list) and pieces
    }


def _tokenizer(family: Family, clip: Any) -> Callable[[str], Any] | None:
    if hasattr(clip, "tokenize"):
        return partial(clip.tokenize, return_word_ids=True)
    for name in family.tokenizers:
        try:
            tokenizer = getattr(import_module(_TOKENIZER_MODULES[name]), name)()
        except (KeyError, ImportError, AttributeError):
            continue  # of a newer ComfyUI, or of a model's own file
        return partial(tokenizer.tokenize_with_weights, return_word_ids=True)
    return None
