"""A double of a host's layers whose weights do not exist before `load_state_dict`.

ComfyUI's DynamicVRAM makes a Linear that way: `weight` is None, `state_dict()` is empty and there
are no shapes, until a file's tensors are assigned. All kinds of layers do so here, so code that
reads a layer's shape too early fails in unit tests too.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def _lazy(kind: type[nn.Module]) -> type[nn.Module]:
    """Return `kind` with parameters of None until they are loaded."""

    class Lazy(kind):  # type: ignore[misc, valid-type]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "device": "meta"})
            self.awaited = [name for name, one in self._parameters.items() if one is not None]
            for name in self.awaited:
                self._parameters[name] = None

        def reset_parameters(self) -> None:
            """Leave the weights to the checkpoint."""

        def _load_from_state_dict(
            self,
            state_dict: dict[str, torch.Tensor],
            prefix: str,
            local_metadata: dict[str, Any],
            strict: bool,
            missing_keys: list[str],
            unexpected_keys: list[str],
            error_msgs: list[str],
        ) -> None:
            for name in self.awaited:
                value = state_dict.get(prefix + name)
                if value is None:
                    missing_keys.append(prefix + name)
                    continue
                if not local_metadata.get("assign_to_params_buffers"):
                    value = value.clone()
                self._parameters[name] = nn.Parameter(value, requires_grad=False)

    Lazy.__name__ = f"Lazy{kind.__name__}"
    return Lazy


class LazyOperations:
    """The namespace that takes the place of `comfy.ops.manual_cast`."""

    Linear = _lazy(nn.Linear)
    Embedding = _lazy(nn.Embedding)
    RMSNorm = _lazy(nn.RMSNorm)
    LayerNorm = _lazy(nn.LayerNorm)
    GroupNorm = _lazy(nn.GroupNorm)
    Conv1d = _lazy(nn.Conv1d)
    Conv2d = _lazy(nn.Conv2d)
    Conv3d = _lazy(nn.Conv3d)
