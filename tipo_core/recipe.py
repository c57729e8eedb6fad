"""The settings of a run that can continue, kept in its folder; other settings are refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_LONGEST = 80  # characters of a value in an error


def note_recipe(
    path: Path,
    recipe: Mapping[str, Any],
    may_differ: Callable[[str, Mapping[str, Any]], bool] = lambda name, before: False,
) -> None:
    """Write `recipe` to `path` as JSON; raise ValueError if `path` holds another one.

    `may_differ(name, before)` returns whether the value of `name` may differ from that of the
    recipe `before`, or be missing on either side.
    """
    if path.exists():
        before = _read(path)
        for name in {**recipe, **before}:
            was, now = before.get(name), recipe.get(name)
            if was != now and not may_differ(name, before):
                raise ValueError(
                    f"the run in {path.parent} has {name} {_shown(was)}, not {_shown(now)}: "
                    "give another folder or the same settings"
                )
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(dict(recipe), indent=2) + "\n", encoding="utf-8")
    os.replace(part, path)


def _read(path: Path) -> dict[str, Any]:
    try:
        before = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): give another folder") from error
    if not isinstance(before, dict):
        raise ValueError(f"{path} does not hold the settings of a run: give another folder")
    return before


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
