"""Text on a running node, where the page of this ComfyUI shows one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..prompt_server import prompt_server


def progress_text(node: Any) -> Callable[[str], None]:
    """Return the function that shows a text on the running node."""
    server = prompt_server()
    hidden = getattr(node, "hidden", None)
    unique_id = getattr(hidden, "unique_id", None)
    if server is None or unique_id is None:
        return lambda text: None
    return lambda text: server.send_progress_text(text, unique_id)
