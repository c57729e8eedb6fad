"""Text on a running node, where the page of this ComfyUI shows one."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def progress_text(node: Any) -> Callable[[str], None]:
    """Return the function that shows a text on the running node."""
    prompt_server = importlib.import_module("server").PromptServer
    server = getattr(prompt_server, "instance", None)
    hidden = getattr(node, "hidden", None)
    unique_id = getattr(hidden, "unique_id", None)
    if server is None or unique_id is None:
        return lambda text: None
    return lambda text: server.send_progress_text(text, unique_id)
