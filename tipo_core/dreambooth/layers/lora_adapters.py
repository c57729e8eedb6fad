"""Low-rank adapters (Hu et al. 2021, arXiv 2106.09685) of linear and convolution layers."""

from __future__ import annotations

import math

import torch

from ..private_generators import generator_of
from .frozen_layers import Convolution, Operation


class LoraAdapter(torch.nn.Module):
    """The change `alpha / rank * up(down(x))` of a layer's output.

    `down` is `R, I` or `R, I, K...`, `up` is `O, R` or `O, R, 1...`; both are fp32. A layer starts
    unchanged: `up` is zero, and `down` is uniform in +-1/sqrt(fan-in), as kohya's scripts and
    `torch.nn.Linear` draw it.
    """

    def __init__(
        self,
        weight_shape: torch.Size | tuple[int, ...],
        operation: Operation,
        rank: int,
        alpha: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        outputs, inputs, *kernel = weight_shape
        self.operation = operation
        self.weight_shape = torch.Size(weight_shape)
        self.alpha, self.rank = alpha, rank
        down = torch.empty(rank, inputs, *kernel)
        bound = 1 / math.sqrt(inputs * math.prod(kernel))
        self.down = torch.nn.Parameter(down.uniform_(-bound, bound, generator=generator))
        self.up = torch.nn.Parameter(torch.zeros(outputs, rank, *[1] * len(kernel)))

    @property
    def scale(self) -> float:
        """The factor of the low-rank product."""
        return self.alpha / self.rank

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the change of the layer's output for its input `x`."""
        operation = self.operation
        if not isinstance(operation, Convolution):
            hidden = operation(x, self.down.to(x.dtype))
            return operation(hidden, self.up.to(x.dtype)) * self.scale
        hidden = operation(x, self.down.to(x.dtype))
        ones = (1,) * len(operation.stride)
        pointwise = Convolution(ones, (0,) * len(ones), ones)
        return pointwise(hidden, self.up.to(x.dtype)) * self.scale

    def weight_change(self) -> torch.Tensor:
        """Return the change of the layer's weight, in the weight's shape."""
        change = self.up.flatten(1) @ self.down.flatten(1)
        return change.reshape(self.weight_shape) * self.scale


def new_adapter(
    name: str,
    weight_shape: torch.Size | tuple[int, ...],
    operation: Operation,
    *,
    rank: int,
    alpha: float,
    seed: int,
) -> LoraAdapter:
    """Return an adapter whose start depends on the seed and the layer's name alone.

    The rank is at most the smaller side of the weight. Raises ValueError for a grouped convolution.
    """
    if isinstance(operation, Convolution) and operation.groups != 1:
        raise ValueError(f"layer {name} is a grouped convolution, for which LoRA is not defined")
    outputs, inputs, *kernel = weight_shape
    most = min(outputs, inputs * math.prod(kernel))
    # The scale stays alpha / rank of the recipe where the layer is narrower than the rank.
    low = min(rank, most)
    return LoraAdapter(
        weight_shape, operation, low, alpha * low / rank, generator_of(seed, "start", name)
    )
