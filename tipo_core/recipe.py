"""The recipe of a run that can go on: noted in its folder, and another one refused there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_LONGEST = 80


def note_recipe(
    path: Path,
    recipe: Mapping[str, Any],
    may_differ: Callable[[str, Mapping[str, Any]], bool] = lambda name, before: False,
) -> None:
    """Write `recipe` to `path` as JSON; raise ValueError where a run by another one is there.

    `may_differ(name, before)` says whether the value of that name may be another one than in the
    recipe `before` (or missing on either side).
    """
    if path.exists():
        before = _read(path)
        for name in {**recipe, **before}:
            was, now = before.get(name), recipe.get(name)
            if was != now and not may_differ(name, before):
                raise ValueError(
                    f"the run in {path.parent} has {name} {_shown(was)}, not {_shown(now)}: "
                    "take another folder or the same recipe"
                )
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(dict(recipe), indent=2) + "\n", encoding="utf-8")
    os.replace(part, path)


def _read(path: Path) -> dict[str, Any]:
    try:
        before = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): take another folder") from error
    if not isinstance(before, dict):
        raise ValueError(f"{path} is no recipe of a run: take another folder")
    return before


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
