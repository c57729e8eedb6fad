"""ComfyUI's running server, to which routes and messages of the pack belong."""

from __future__ import annotations

import sys
from typing import Any


def prompt_server() -> Any | None:
    """Return the `PromptServer` of this process, None where no server runs.

    ComfyUI loads its module `server` before the packs. Importing it here would need a ComfyUI.
    """
    return getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
