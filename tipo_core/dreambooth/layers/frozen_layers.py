"""Linear and convolution layers that gradients pass through and whose weights are not trained.

A host moves and casts its weights when a layer runs, and loads them in inference mode, where
autograd refuses to save them. So nothing of a weight is saved here: it is read once more for the
backward pass, and then only the gradient of the layer's input is computed. The memory of a
trained model is therefore the host's own, plus the activations.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from torch.nn.grad import conv1d_input, conv2d_input, conv3d_input

Weights = tuple[torch.Tensor, "torch.Tensor | None"]
# Gives weight and bias in a dtype and on a device for as long as the context is open.
ReadWeights = Callable[[torch.dtype, torch.device], AbstractContextManager[Weights]]

_CONVOLUTIONS = (functional.conv1d, functional.conv2d, functional.conv3d)
_INPUT_GRADIENTS = (conv1d_input, conv2d_input, conv3d_input)


@dataclass(frozen=True)
class Linear:
    """The computation of a linear layer: `..., I` to `..., O`."""

    def __call__(
        self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        return functional.linear(x, weight, bias)

    def input_gradient(
        self, gradient: torch.Tensor, weight: torch.Tensor, shape: torch.Size
    ) -> torch.Tensor:
        """Return the gradient of the input of `shape` for the gradient of the output."""
        return (gradient @ weight).reshape(shape)


@dataclass(frozen=True)
class Convolution:
    """The computation of a convolution in `len(stride)` dimensions, padded with zeros."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1

    def __call__(
        self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        convolve: Callable[..., torch.Tensor] = _CONVOLUTIONS[len(self.stride) - 1]
        return convolve(x, weight, bias, *self._settings())

    def input_gradient(
        self, gradient: torch.Tensor, weight: torch.Tensor, shape: torch.Size
    ) -> torch.Tensor:
        """Return the gradient of the input of `shape` for the gradient of the output."""
        gradient_of: Callable[..., torch.Tensor] = _INPUT_GRADIENTS[len(self.stride) - 1]
        return gradient_of(shape, weight, gradient, *self._settings())

    def _settings(self) -> tuple[Any, ...]:
        return self.stride, self.padding, self.dilation, self.groups


Operation = Linear | Convolution


def operation_of(layer: torch.nn.Module) -> Operation | None:
    """Return the computation of a linear or convolution layer, None for any other layer."""
    # ComfyUI's linear layers of quantised weights are no subclass of torch's.
    is_named_so = type(layer).__name__ == "Linear" and hasattr(layer, "in_features")
    if isinstance(layer, torch.nn.Linear) or is_named_so:
        return Linear()
    if isinstance(layer, (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)):
        if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
            return None
        return Convolution(layer.stride, layer.padding, layer.dilation, layer.groups)
    return None


def frozen(x: torch.Tensor, operation: Operation, read: ReadWeights) -> torch.Tensor:
    """Return the layer's output for `x`; its weights get no gradient and are not kept."""
    output: torch.Tensor = _Frozen.apply(x, operation, read)
    return output


class _Frozen(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, operation: Operation, read: ReadWeights) -> torch.Tensor:
        ctx.operation, ctx.read = operation, read
        ctx.shape, ctx.dtype, ctx.device = x.shape, x.dtype, x.device
        with read(x.dtype, x.device) as (weight, bias):
            return operation(x, weight, bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        with ctx.read(ctx.dtype, ctx.device) as (weight, _):
            return ctx.operation.input_gradient(gradient, weight, ctx.shape), None, None
