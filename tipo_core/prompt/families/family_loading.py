"""Reads the files of model families; a file that cannot be used is named and left out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .family import MAX_BYTES, Family, read_family


def load_family(name: str, files: Mapping[str, Path]) -> Family:
    """Return the family called `name`.

    Raises ValueError for a name without a file, which lists the names, and for a file that cannot
    be used, which names the file.
    """
    if name not in files:
        raise ValueError(f"the model family {name!r} is unknown: choose {', '.join(files)}")
    path = files[name]
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"the model family file {path.name} has more than {MAX_BYTES:,} bytes")
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(
            f"the model family file {path.name} cannot be used: it is no UTF-8"
        ) from None
    except OSError as error:
        raise ValueError(
            f"the model family file {path.name} cannot be read: {error.strerror or error}"
        ) from None
    return read_family(name, text, path.name)


def load_families(files: Mapping[str, Path]) -> tuple[list[Family], list[str]]:
    """Return the families of all files that can be used, and the errors of the others."""
    families, errors = [], []
    for name in files:
        try:
            families.append(load_family(name, files))
        except ValueError as error:
            errors.append(str(error))
    return families, errors
