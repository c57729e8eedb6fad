"""The errors of calls, as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def raised(run: Callable[[], Any]) -> str:
    """Return the type and text of the error that `run` raises, or '' for no error."""
    try:
        run()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return ""
