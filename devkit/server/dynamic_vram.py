"""Turn ComfyUI's DynamicVRAM on without a card, for tests; runs in ComfyUI's Python.

ComfyUI does the same on an NVIDIA card: it loads a library and makes two assignments. On a CPU,
ComfyUI replaces the dynamic patcher by the plain one; this module keeps it, without the pages of a
device. Layers then have no weights until they are loaded, models hold handles to native memory, and
weights are cast when a layer runs.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def turn_on() -> None:
    """Make ComfyUI's assignments, before its other modules are imported."""
    # Before the modules that search for the loaded library at import.
    import comfy_aimdo.control

    comfy_aimdo.control.init()
    import comfy.memory_management
    import comfy.model_patcher

    class DynamicOnCpu(comfy.model_patcher.ModelPatcherDynamic):
        def __new__(cls, model: Any, *args: Any, **kwargs: Any) -> Any:
            # Matrices in the layout of a CPU's kernels leave meta tensors, which only the plain
            # patcher accepts.
            if any(weight.is_meta for weight in model.parameters()):
                return comfy.model_patcher.ModelPatcher(model, *args, **kwargs)
            return object.__new__(cls)

        def load(self, *args: Any, **kwargs: Any) -> None:
            super().load(*args, **kwargs)
            # On a card, a weight gets the model's patches (LoRAs) on its way there. A CPU has no
            # such way, so the layer applies them when it runs.
            for layer in self.model.modules():
                for name in ("weight", "bias"):
                    patch = getattr(layer, f"{name}_lowvram_function", None)
                    functions = getattr(layer, f"{name}_function", [])
                    if patch is not None and patch not in functions:
                        functions.insert(0, patch)

        def get_non_dynamic_delegate(self) -> Any:
            # ComfyUI samples with the plain patcher where a prompt has hooks. Its layers keep the
            # file's type (fp16), which a card computes in and a CPU does not.
            delegate = super().get_non_dynamic_delegate()
            delegate.force_cast_weights = True
            return delegate

        def partially_unload(self, *args: Any, **kwargs: Any) -> Any:
            return self.restore_loaded_backups()

    comfy.memory_management.aimdo_enabled = True
    comfy.model_patcher.CoreModelPatcher = DynamicOnCpu


@contextmanager
def ordinary_layers() -> Iterator[None]:
    """Give layers their weights at construction, for a model that a test fills by hand."""
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
