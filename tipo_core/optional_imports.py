"""Packages that are imported when they are needed, not before."""

from __future__ import annotations

import importlib
from typing import Any


def require(package: str) -> Any:
    """Return the imported `package`; a RuntimeError says how to install one that is missing."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise RuntimeError(
            f"the package {package!r} is missing or incomplete ({error}): install it into the "
            f"Python that runs ComfyUI with `python -m pip install {package}`"
        ) from error
