"""A pack for tests: a node that shows the models of ComfyUI's model management, and evicts them."""

from __future__ import annotations

import gc
from typing import Any, ClassVar

import comfy.model_management as management


class TipoProbe:
    """Shows the loaded models; `act` runs first."""

    CATEGORY = "tests"
    FUNCTION = "probe"
    OUTPUT_NODE = True
    RETURN_TYPES: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"act": (["look", "load", "evict"],)},
            "optional": {"model": ("TIPO_MODEL",), "after": ("STRING", {"forceInput": True})},
        }

    @classmethod
    def IS_CHANGED(cls, **inputs: Any) -> float:
        return float("nan")

    def probe(self, act: str, model: Any = None, after: str = "") -> dict[str, Any]:
        if act == "load":
            management.load_models_gpu([model.patcher])
        if act == "evict":
            management.free_memory(1e30, model.patcher.load_device)
        loaded = [
            {
                "class": type(patcher.model).__name__,
                "ours": model is not None and patcher is model.patcher,
                "loaded_size": patcher.loaded_size(),
                "model_size": patcher.model_size(),
            }
            for patcher in management.loaded_models()
        ]
        state = {
            "loaded": loaded,
            "model": id(model.patcher.model) if model else None,
            "alive": sum(type(thing).__name__ == "Llama" for thing in gc.get_objects()),
        }
        return {"ui": {"state": [state]}}


NODE_CLASS_MAPPINGS = {"TipoProbe": TipoProbe}
