"""Linear layers whose weights are integers, computed exactly.

A weight is a whole number of 1/127 of its row's largest one, kept in 8 bits. What goes in is taken
apart, row by row, in such a number and a remainder, which is a number of 1/127 of its step: so it
keeps 15 bits, all products are integers and their sums exact. A row of the result is therefore the
same to the last bit beside any other rows, in any order of summation, on any number of threads.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .half_linear import FullRMSNorm, HalfEmbedding

_STEPS = 127
# As tensors, because a plain number would be made one each time.
_FROM_ONE, _TO_ONE = torch.tensor(float(_STEPS)), torch.tensor(1 / _STEPS)
# A row of zeros has a step, too.
_LEAST = torch.tensor(1e-30)
# Up to so many rows, as steps have them, memory is kept to compute in.
_KEPT_ROWS = 16
# So many rows are quantised at a time, which caches hold.
_ROWS_AT_ONCE = 256


def quantise(rows: torch.Tensor, into: torch.Tensor) -> torch.Tensor:
    """Write `rows` (`O, I`, fp32) as int8 into `into`, alike; return what their steps are, `O`."""
    height, width = rows.shape
    scales = torch.empty(height, dtype=torch.float32)
    buffer = torch.empty(min(height, _ROWS_AT_ONCE), width)
    for start in range(0, height, _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        end = start + len(some)
        steps = buffer[: len(some)]
        torch.abs(some, out=steps)
        scale = steps.amax(-1, keepdim=True).div_(_STEPS).clamp_min_(1e-30)
        scales[start:end] = scale[:, 0]
        into[start:end] = torch.div(some, scale, out=steps).round_()
    return scales


def normed_step(width: int) -> float:
    """Return what one step of a normed row of `width` values is: see `IntegerNormedLinear`."""
    return math.sqrt(width) / _STEPS


class _Scratch:
    """Where a layer of one size computes for `count` rows, so that nothing is allocated anew."""

    def __init__(self, count: int, inputs: int, outputs: int) -> None:
        self.halves = torch.empty(2 * count, inputs, dtype=torch.int8)
        self.first, self.second = self.halves.split(count)
        self.products = torch.empty(2 * count, outputs)
        self.first_product, self.second_product = self.products.split(count)


_Scratches = dict[tuple[int, int, int], _Scratch]


class _IntegerMatrix(nn.Module):
    """int8 `weight` (`O, I`), and in `factors` (`O`) what a step of each row stands for."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        scratches: _Scratches,
        device: torch.device | str | None,
    ) -> None:
        super().__init__()
        weight = torch.empty(outputs, inputs, dtype=torch.int8, device=device)
        factors = torch.empty(outputs, dtype=torch.float32, device=device)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.factors = nn.Parameter(factors, requires_grad=False)
        self._size = inputs, outputs
        self._scratches = scratches

    def products(self, steps: torch.Tensor) -> torch.Tensor:
        """Return `N, O` for `steps` (`N, I`), numbers within 127, which are used up."""
        weight = self.weight
        if not (steps.is_cpu and weight.is_cpu):
            return functional.linear(steps.float(), self._dequantised(steps.device))
        scratch = self._scratch(len(steps))
        scratch.first.copy_(steps)  # without its fraction
        scratch.second.copy_(steps.frac_().mul_(_FROM_ONE))
        scratch.products.copy_(torch._int_mm(scratch.halves, weight.t()))
        result = torch.addcmul(scratch.first_product, scratch.second_product, _TO_ONE)
        return result.mul_(self.factors)

    def _scratch(self, count: int) -> _Scratch:
        """Return where `count` rows are computed; that of a few is kept for the next layer."""
        key = (count, *self._size)
        scratch = self._scratches.get(key)
        if scratch is None:
            scratch = _Scratch(*key)
            if count <= _KEPT_ROWS:
                self._scratches[key] = scratch
        return scratch

    def _dequantised(self, device: torch.device) -> torch.Tensor:
        """Return the weight in fp32, `O, I`, as it is applied to steps."""
        return self.weight.to(device).float() * self.factors.to(device)[:, None]


class IntegerLinear(_IntegerMatrix):
    """A linear layer without bias: each row that goes in is divided by a step of its own."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        bias: bool = False,
        *,
        scratches: _Scratches,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        assert not bias
        super().__init__(inputs, outputs, scratches, device)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `N, O` for `x` (`N, I`, fp32)."""
        step = x.abs().amax(-1, keepdim=True).mul_(_TO_ONE).add_(_LEAST)
        return self.products(x / step).mul_(step)


class IntegerNormedLinear(_IntegerMatrix):
    """RMSNorm (Zhang and Sennrich 2019) and the linear layer behind it, without bias.

    The norm's own weight is part of the matrix. A normed row has a length that is known, so that
    one step serves all rows: 1/127 of that length, which no value exceeds.
    """

    def __init__(
        self, inputs: int, outputs: int, eps: float, ops: IntegerOperations, **kwargs: Any
    ) -> None:
        super().__init__(inputs, outputs, ops.scratches, kwargs.get("device"))
        # In squares of a step.
        self._eps = torch.tensor(eps * inputs / _STEPS**2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `N, O` for `x` (`N, I`, fp32)."""
        length = torch.linalg.vector_norm(x, 2, -1, keepdim=True).mul_(_TO_ONE)
        return self.products(x * length.square_().add_(self._eps).rsqrt_())


class IntegerOperations:
    """Layers of a model whose matrices are integers; it computes in fp32."""

    Embedding = HalfEmbedding
    RMSNorm = FullRMSNorm
    NormedLinear = IntegerNormedLinear

    def __init__(self) -> None:
        self.scratches: _Scratches = {}
        self.Linear = partial(IntegerLinear, scratches=self.scratches)
