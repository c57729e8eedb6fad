"""Folders of training pictures: the menu, the folder of a choice, its state for the executor."""

from __future__ import annotations

from pathlib import Path

import folder_paths
import numpy as np
import torch
from PIL import Image

from ....tipo_core.dreambooth.dataset.picture_folders import (
    files_of_folder,
    find_folder,
    folder_names,
)
from ...fingerprint import state_of

NO_FOLDER = "none"
# Five pictures of a made-up creature that come with the pack.
EXAMPLE = "example: sks critter"
_EXAMPLE_FOLDER = Path(__file__).parents[3] / "tipo_core" / "assets" / "critter"


def folder_choices(*first: str) -> list[str]:
    """Return a menu: the given entries, then folders with pictures in ComfyUI's input folder."""
    names = folder_names(Path(folder_paths.get_input_directory()))
    return [*first, *(name for name in names if name not in (NO_FOLDER, EXAMPLE))]


def folder_of(choice: str) -> Path | None:
    """Return the folder of a menu's entry, None for no folder.

    Raises ValueError for a name that leads out of the input folder, FileNotFoundError for an
    unknown one.
    """
    if choice == NO_FOLDER:
        return None
    if choice == EXAMPLE:
        return _EXAMPLE_FOLDER
    return find_folder(Path(folder_paths.get_input_directory()), choice)


def folder_problem(choice: str | None) -> str:
    """Return why a menu's entry names no folder and the remedy, '' for a folder or a link."""
    try:
        if choice is not None:
            folder_of(choice)
    except (ValueError, OSError) as error:
        return str(error)
    return ""


def folder_state(choice: str | None) -> str:
    """Return a digest of the names, sizes and times of a folder's pictures and captions."""
    try:
        folder = None if choice is None else folder_of(choice)
        if folder is None:
            return ""
        files = files_of_folder(folder)
        return state_of([*files.pictures, *files.captions])
    except (ValueError, OSError):
        return ""


def as_image(picture: Image.Image) -> torch.Tensor:
    """Return a picture as the value of an IMAGE link: `1, H, W, 3` in 0..1."""
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float32) / 255
    return torch.from_numpy(pixels)[None]
