"""The start of a picture's file name, checked before ComfyUI makes a path of it."""

from __future__ import annotations

import os
from pathlib import Path

_REMEDY = "write a name such as 'TIPO', or 'portraits/TIPO' for a subfolder"
_MAX_SHOWN = 80  # characters
# Folders in one another. Python makes each by a call of its own.
_MAX_DEPTH = 50


def prefix_problem(prefix: str, output: str | Path) -> str | None:
    """Return why no file name in the folder `output` can start with `prefix`, or None.

    A path is allowed if it stays in `output`, as in core's Save Image.
    """
    shown = repr(prefix if len(prefix) <= _MAX_SHOWN else f"{prefix[:_MAX_SHOWN]}...")
    if "\0" in prefix:
        return f"filename_prefix {shown} has a NUL character: {_REMEDY}."
    path = os.path.normpath(prefix)
    root = os.path.abspath(output)
    folder = Path(os.path.abspath(os.path.join(root, os.path.dirname(path))))
    if os.path.basename(path) == ".." or not folder.is_relative_to(root):
        return f"filename_prefix {shown} leads out of the output folder: {_REMEDY}."
    if len(folder.relative_to(root).parts) > _MAX_DEPTH:
        return (
            f"filename_prefix {shown} has more than {_MAX_DEPTH} folders in one another: {_REMEDY}."
        )
    return None
