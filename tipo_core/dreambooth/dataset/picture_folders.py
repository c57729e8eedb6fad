"""Folders of pictures below a root folder, such as ComfyUI's input folder, and their files.

Names of folders come from workflows of other people: nothing outside the root is read, and no
link that leads out of it is followed.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

PICTURES = frozenset(
    ".png .jpg .jpeg .jfif .webp .bmp .gif .tif .tiff .avif .apng .tga .ppm .pgm .jp2".split()
)
# Pictures that Pillow cannot read alone; the report says so.
FOREIGN_PICTURES = frozenset(
    ".heic .heif .jxl .psd .svg .raw .dng .cr2 .cr3 .nef .arw .xcf .exr .hdr".split()
)
CAPTIONS = (".txt", ".caption")
# Made by systems and by other trainers, and no business of a training here.
_IGNORED = frozenset(("thumbs.db", "desktop.ini", "metadata.jsonl"))
_IGNORED_ENDINGS = frozenset((".npz", ".json", ".safetensors", ".toml", ".tmp", ".md"))
_DEEPEST = 3  # folders in one another in the menu
_MOST_FOLDERS = 2000  # folders that are looked into for the menu
_DIGITS = re.compile(r"(\d+)")
_KOHYA = re.compile(r"(\d{1,5})_(.+)")


@dataclass(frozen=True)
class FolderFiles:
    """The files of a folder: pictures, captions, and names of all others with what they are."""

    pictures: tuple[Path, ...]
    captions: tuple[Path, ...]
    others: tuple[tuple[str, str], ...]  # name, reason


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts names as people do: 2.png before 10.png."""
    parts = (part for part in _DIGITS.split(name.lower()) if part)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def folder_names(root: Path) -> list[str]:
    """Return the folders below `root` that hold pictures, as `a` or `a/b`, in natural order.

    Folders more than three deep are left out, and so are links that lead out of the root.
    """
    found, waiting, seen = [], [("", 0)], 0
    whole = os.path.realpath(root)
    while waiting and seen < _MOST_FOLDERS:
        name, depth = waiting.pop(0)
        seen += 1
        try:
            entries = list(os.scandir(os.path.join(whole, name)))
        except OSError:
            continue
        if name and any(Path(entry.name).suffix.lower() in PICTURES for entry in entries):
            found.append(name)
        for entry in entries:
            is_shown = not entry.name.startswith(".") and entry.name.isprintable()
            if (
                depth < _DEEPEST
                and is_shown
                and _is_folder(entry)
                and _is_inside(entry.path, whole)
            ):
                waiting.append((f"{name}/{entry.name}".lstrip("/"), depth + 1))
    return sorted(found, key=natural_key)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_inside(path: str | Path, root: str) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(root)


def name_note(name: str) -> str:
    """Return what kohya's scripts read in a folder's name, such as 10_sks dog; '' for others."""
    found = _KOHYA.fullmatch(name.rpartition("/")[2])
    if not found:
        return ""
    return (
        f"the folder's name means {found[1]} repeats of {found[2]!r} to kohya's scripts: set "
        "repeats and prompt here"
    )


def find_folder(root: Path, name: str) -> Path:
    """Return the folder `name` below `root`.

    Raises ValueError for a name that leads out of the root, FileNotFoundError for an unknown one.
    """
    whole = os.path.realpath(root)
    parts = name.replace("\\", "/").split("/")
    if "\0" in name or ".." in parts or os.path.isabs(name) or not name.strip("./\\ "):
        raise ValueError(
            f"folder {name!r} is no folder of the input folder: choose one from the menu"
        )
    path = Path(whole, *parts)
    if not _is_inside(path, whole):
        raise ValueError(
            f"folder {name!r} is a link out of the input folder: put the pictures themselves there"
        )
    if not os.path.isdir(path):  # pathlib raises an error of its own for a name that is too long
        raise FileNotFoundError(
            f"the input folder has no folder {name!r}: make it, put the pictures there, and press "
            "R in ComfyUI to see it in the menu"
        )
    return path


def files_of_folder(folder: Path) -> FolderFiles:
    """Return the files of a folder, each kind in natural order; folders in it are not read."""
    pictures, captions, others = [], [], []
    whole = os.path.realpath(folder)
    with os.scandir(folder) as entries:
        names = sorted((entry.name for entry in entries), key=natural_key)
    for name in names:
        path, ending = folder / name, Path(name).suffix.lower()
        if name.startswith(".") or name.lower() in _IGNORED or path.is_dir():
            continue
        if not _is_inside(path, whole):
            others.append((name, "a link out of the folder, not read"))
        elif ending in PICTURES:
            pictures.append(path)
        elif ending in CAPTIONS:
            captions.append(path)
        elif ending in FOREIGN_PICTURES:
            others.append((name, f"{ending[1:]} is not read: save it as PNG or JPEG"))
        elif ending not in _IGNORED_ENDINGS:
            others.append((name, "no picture"))
    return FolderFiles(tuple(pictures), tuple(captions), tuple(others))
