"""Weights of their own for a layer that is trained in full."""

from __future__ import annotations

import torch


class OwnedWeights(torch.nn.Module):
    """A trained copy of a layer's weight and bias in fp32; the layer's own are never written."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(_copy(weight))
        self.bias = None if bias is None else torch.nn.Parameter(_copy(bias))


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    """Return an fp32 copy, which is outside inference mode if this runs outside of it."""
    return tensor.detach().to(torch.float32, copy=True)
