"""Linear layers whose weights and inputs are integers, computed exactly.

A weight is a whole number of 1/127 of its row's largest one, kept in 8 bits, and so is what goes
in. All products are integers and their sums exact: a row of the result is the same to the last
bit beside any other rows, in any order of summation, on any number of threads.

What goes in has a few values that are much larger than the others, which would leave these no
steps. So it is turned first: Hadamard matrices spread each value over its neighbours, and turned
weights undo it (QuaRot, Ashkboos et al. 2024). Nearly everything is turned already, because the
weights that it comes from are: what goes from layer to layer, and the values of attention. Only
what comes from an activation is turned on the way.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .fp16_linear import FullRMSNorm, HalfEmbedding, RMSFactor, half_product, is_half_fast

_STEPS = 127
# The widest blocks that are turned.
_WIDEST = 64
# A row of zeros has a step, too.
_LEAST = 1e-30
# So many rows are quantised at a time, which caches hold.
_ROWS_AT_ONCE = 256
# The kernel's unsigned bytes stand for -128 and more.
_ZERO_POINT = 128


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
        scale = steps.amax(-1, keepdim=True).div_(_STEPS).clamp_min_(_LEAST)
        scales[start:end] = scale[:, 0]
        into[start:end] = torch.div(some, scale, out=steps).round_()
    return scales


def hadamard(width: int) -> torch.Tensor:
    """Return the matrix that turns blocks of vectors so wide: its own inverse, at most 64 wide."""
    size = min(width & -width, _WIDEST)
    matrix = torch.ones(1, 1, device="cpu")
    while len(matrix) < size:
        matrix = torch.cat((torch.cat((matrix, matrix), 1), torch.cat((matrix, -matrix), 1)))
    return matrix / math.sqrt(size)


def turned(rows: torch.Tensor, width: int = 0) -> torch.Tensor:
    """Return `rows` (`..., I`), each turned block by block, in parts of `width` or as one."""
    matrix = hadamard(width or rows.shape[-1])
    return (rows.unflatten(-1, (-1, len(matrix))) @ matrix).flatten(-2)


def turned_columns(rows: torch.Tensor, width: int = 0) -> torch.Tensor:
    """Return `rows` (`O, I`) with each column turned: what they make of a vector comes out so."""
    matrix = hadamard(width or len(rows))
    return (matrix @ rows.unflatten(0, (-1, len(matrix)))).flatten(0, 1)


def _pack(weight: torch.Tensor, factors: torch.Tensor) -> Any:
    """Return a matrix in the order of torch's kernel (fbgemm)."""
    zeros = torch.zeros(len(factors), dtype=torch.long)
    rows = torch._make_per_channel_quantized_tensor(weight, factors.double(), zeros, 0)
    return torch.ops.quantized.linear_prepack(rows, None)


def _packed_product(x: torch.Tensor, packed: Any) -> torch.Tensor:
    """Return `N, O` for numbers within 1, `N, I`, which the kernel quantises on the way."""
    result: torch.Tensor = (
        torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32.default(
            x, 1 / _STEPS, _ZERO_POINT, packed
        )
    )
    return result


@lru_cache(maxsize=1)
def is_packing_exact() -> bool:
    """Whether the kernel is there and adds up exactly.

    It does so on processors with products of bytes (VNNI); older ones add pairs in 16 bits, which
    the largest ones leave.
    """
    weight = torch.full((16, 64), _STEPS, dtype=torch.int8)
    try:
        found = _packed_product(torch.ones(2, 64), _pack(weight, torch.ones(16)))
    except (RuntimeError, AttributeError, NotImplementedError):  # another processor, another torch
        return False
    return bool(((found - 64 * _STEPS).abs() < 1).all())


class IntegerMatrix(nn.Module):
    """int8 `weight` (`O, I`), and in `factors` (`O`) what a step of each row stands for.

    After `pack`, which is for the CPU only, the weight is a shape alone, as that of `HalfLinear`.
    """

    def __init__(self, inputs: int, outputs: int, device: torch.device | str | None) -> None:
        super().__init__()
        weight = torch.empty(outputs, inputs, dtype=torch.int8, device=device)
        factors = torch.empty(outputs, dtype=torch.float32, device=device)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.factors = nn.Parameter(factors, requires_grad=False)
        self._packed: Any = None
        self._least = torch.tensor(_LEAST, device="cpu")

    def pack(self) -> None:
        """Put the weight into the kernel's order, where there is a kernel that is exact."""
        if not self.factors.isfinite().all():
            raise ValueError("it holds no numbers")
        if is_packing_exact():
            self._packed = _pack(self.weight.detach(), self.factors)
            self.weight = nn.Parameter(self.weight.to("meta"), requires_grad=False)

    def products(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return `N, O` and a factor, `N, 1`, that they are still to be multiplied with.

        `rows` are `N, I`, fp32.
        """
        if not rows.is_cpu:
            return functional.linear(rows.float(), self._floats(rows.device)), rows.new_ones(())
        step = rows.abs().amax(-1, keepdim=True).add_(self._least)
        shares = rows / step
        if self._packed is not None:
            return _packed_product(shares, self._packed), step
        sums = torch._int_mm(shares.mul_(_STEPS).round_().to(torch.int8), self.weight.t())
        return sums * self.factors, step.mul_(1 / _STEPS)

    def _floats(self, device: torch.device) -> torch.Tensor:
        """Return the weight in fp32, `O, I`."""
        return self.weight.to(device).float() * self.factors.to(device)[:, None]

    def _apply(self, fn: Any, recurse: bool = True) -> IntegerMatrix:
        """Stay, once packed: the kernel is one of the CPU."""
        if self._packed is None:
            super()._apply(fn, recurse)
        return self


class IntegerLinear(IntegerMatrix):
    """A linear layer without bias; what goes in is turned already."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        bias: bool = False,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        assert not bias
        super().__init__(inputs, outputs, device)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `N, O` for `x` (`N, I`, fp32)."""
        products, factor = self.products(x)
        return products.mul_(factor)


class TurningLinear(IntegerLinear):
    """A linear layer without bias that turns what goes in."""

    def __init__(self, inputs: int, outputs: int, bias: bool = False, **kwargs: Any) -> None:
        super().__init__(inputs, outputs, bias, **kwargs)
        self._turn = hadamard(inputs)
        # Row by row, as `HalfLinear`: half precision holds these numbers exactly.
        self._packed_turn: Any = None
        if is_half_fast():
            self._packed_turn = torch.ops.quantized.linear_prepack_fp16(self._turn, None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `N, O` for `x` (`N, I`, fp32)."""
        blocks = x.view(-1, len(self._turn))
        if self._packed_turn is not None and x.is_cpu:
            blocks = half_product(blocks, self._packed_turn)
        else:
            blocks = functional.linear(blocks, self._turn.to(x.device, x.dtype))
        return super().forward(blocks.view(x.shape))


class IntegerNormedLinear(IntegerMatrix):
    """RMSNorm and the linear layer behind it, whose matrix the norm's own weight is part of."""

    def __init__(
        self, inputs: int, outputs: int, eps: float, ops: type[IntegerOperations], **kwargs: Any
    ) -> None:
        super().__init__(inputs, outputs, kwargs.get("device"))
        self._factor = RMSFactor(inputs, eps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `N, O` for `x` (`N, I`, fp32)."""
        products, factor = self.products(x)
        return products.mul_(self._factor(x).mul_(factor))


class IntegerOperations:
    """Layers of a model whose matrices are integers; it computes in fp32."""

    Linear = IntegerLinear
    Embedding = HalfEmbedding
    RMSNorm = FullRMSNorm
    NormedLinear = IntegerNormedLinear
    ActivatedLinear = TurningLinear
