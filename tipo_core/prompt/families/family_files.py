"""The files of model families: those of the pack, and those of the user's folders.

ComfyUI reads the names at every start: nothing here loads the parser of templates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "families"
_ENDING = ".json"


def family_files(folders: Iterable[Path] = ()) -> dict[str, Path]:
    """Return the file of each family by its name, which is the file's name without `.json`.

    A file of the user replaces a shipped one of the same name; of two folders the first counts.
    Folders that do not exist or cannot be read are empty.
    """
    found: dict[str, Path] = {}
    for folder in [*folders, SHIPPED]:
        for name, path in sorted(_files_of(folder).items()):
            found.setdefault(name, path)
    # The shipped families come first in a menu.
    shipped = sorted(name for name in found if (SHIPPED / f"{name}{_ENDING}").is_file())
    return {name: found[name] for name in dict.fromkeys([*shipped, *found])}


def _files_of(folder: Path) -> Mapping[str, Path]:
    try:
        paths = [path for path in folder.iterdir() if path.suffix.lower() == _ENDING]
        return {path.stem: path for path in paths if path.is_file()}
    except OSError:
        return {}
