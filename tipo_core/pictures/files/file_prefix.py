"""The start of a picture's file name, checked before ComfyUI makes a path of it."""

from __future__ import annotations

import os
from pathlib import Path

_REMEDY = "write a name such as 'TIPO', or 'portraits/TIPO' for a subfolder"
_MAX_SHOWN = 80  # characters


def prefix_problem(prefix: str, output: str | Path) -> str | None:
    """Return why no file name in the folder `output` can start with `prefix`, or None.

    A path is allowed if it stays in `output`, as in core's Save Image.
    """
    shown = repr(prefix if len(prefix) <= _MAX_SHOWN else f"{prefix[:_MAX_SHOWN]}...")
    if "\0" in prefix:
        return f"filename_prefix {shown} has a NUL character: {_REMEDY}."
    path = os.path.normpath(prefix)
    root = os.path.abspath(output)
    folder = os.path.abspath(os.path.join(root, os.path.dirname(path)))
    if os.path.basename(path) != ".." and Path(folder).is_relative_to(root):
        return None
    return f"filename_prefix {shown} leads out of the output folder: {_REMEDY}."
