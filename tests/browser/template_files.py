"""The pack's workflow templates."""

from __future__ import annotations

import json
import re
from typing import Any

from devkit.setup.layout import this_checkout

# The pack's entry in the templates dialog: its folder's name, or the name that a locale gives it.
PACK = re.compile(r"^tipo.suite$", re.IGNORECASE)
FOLDER = this_checkout().root / "workflows"


def template_names() -> list[str]:
    """Return the names of the templates, which their cards show."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def template_named(words: str) -> dict[str, Any]:
    """Return the template whose name has these words, however it is written."""
    for name in template_names():
        if name.replace("-", " ").lower() == words.lower():
            found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
            return found
    raise LookupError(f"no template is named {words}: {template_names()}")
