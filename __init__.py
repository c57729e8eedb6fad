"""TIPO Suite: the door that ComfyUI opens.

Nothing is imported here, so that loading the pack costs nothing and cannot fail. There is no
NODE_CLASS_MAPPINGS on purpose: even an empty one would hide `comfy_entrypoint` from ComfyUI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .nodes import TipoSuite

WEB_DIRECTORY = "./web"

__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]


async def comfy_entrypoint() -> TipoSuite:
    """Called once by ComfyUI: the pack's nodes."""
    from .nodes import TipoSuite

    return TipoSuite()
