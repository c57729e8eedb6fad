"""Turn ComfyUI's DynamicVRAM on without a card, for tests; runs in ComfyUI's Python.

ComfyUI does this itself on an NVIDIA card: it loads a library and makes two assignments. On a CPU
its newer patcher gives way to the plain one. Here it stays, without the pages of a device: layers
have no weights until they are loaded, models carry handles to native memory, and weights are cast
when a layer runs.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def turn_on() -> None:
    """Do what ComfyUI does. Its other modules must not have been imported yet."""
    # Before the modules that look for the loaded library when they are imported.
    import comfy_aimdo.control

    comfy_aimdo.control.init()
    import comfy.memory_management
    import comfy.model_patcher

    class DynamicOnCpu(comfy.model_patcher.ModelPatcherDynamic):
        def __new__(cls, model: Any, *args: Any, **kwargs: Any) -> Any:
            # Matrices in the order of a CPU's kernels leave shapes alone behind, which only the
            # plain patcher takes, as on any CPU.
            if any(weight.is_meta for weight in model.parameters()):
                return comfy.model_patcher.ModelPatcher(model, *args, **kwargs)
            return object.__new__(cls)

        def partially_unload(self, *args: Any, **kwargs: Any) -> Any:
            return self.restore_loaded_backups()

    comfy.memory_management.aimdo_enabled = True
    comfy.model_patcher.CoreModelPatcher = DynamicOnCpu


@contextmanager
def ordinary_layers() -> Iterator[None]:
    """Make layers that have weights at once, for a model that a test fills by hand."""
    if importlib.util.find_spec("comfy.memory_management") is None:  # an older core
        yield
        return
    import comfy.memory_management

    before = comfy.memory_management.aimdo_enabled
    comfy.memory_management.aimdo_enabled = False
    try:
        yield
    finally:
        comfy.memory_management.aimdo_enabled = before
