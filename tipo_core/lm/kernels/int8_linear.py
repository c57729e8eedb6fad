"""Linear layers with int8 weights and int8 inputs, whose sums are exact.

Each row of a weight or an input is stored as integers from -127 to 127 times one scale, its largest
absolute value / 127. Products of integers and their sums are exact, so each row of the result is
bit-identical for any number of other rows, any order of summation and any number of threads.

Activations have a few outliers, which would leave too few steps for the other values. Therefore
inputs are rotated with Hadamard matrices, which spread each value over its neighbours, and weights
are rotated to undo it (QuaRot, Ashkboos et al. 2024). The rotation is folded into the weights that
write to the residual stream and to the values of attention; only the output of an activation
function is rotated at run time.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .fp16_linear import Fp32RMSNorm, InverseRMS, UpcastEmbedding, fp16_linear, has_fp16_kernel

_MAX_INT8 = 127
# Largest Hadamard matrix; wider vectors are rotated in blocks.
_MAX_BLOCK = 64
# Lower bound of a scale, so that a row of zeros is not divided by zero.
_MIN_SCALE = 1e-30
# Rows that are quantized at a time, few enough for the CPU's cache.
_ROWS_AT_ONCE = 256
# The kernel's inputs are unsigned bytes: value + 128.
_ZERO_POINT = 128


def quantize_rows(rows: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Write `rows` (`O, I`, fp32) as int8 to `out` (`O, I`); return the scales, `O`, fp32."""
    height, width = rows.shape
    scales = torch.empty(height, dtype=torch.float32)
    buffer = torch.empty(min(height, _ROWS_AT_ONCE), width)
    for start in range(0, height, _ROWS_AT_ONCE):
        chunk = rows[start : start + _ROWS_AT_ONCE]
        end = start + len(chunk)
        scaled = buffer[: len(chunk)]
        torch.abs(chunk, out=scaled)
        scale = scaled.amax(-1, keepdim=True).div_(_MAX_INT8).clamp_min_(_MIN_SCALE)
        scales[start:end] = scale[:, 0]
        out[start:end] = torch.div(chunk, scale, out=scaled).round_()
    return scales


def hadamard_matrix(width: int) -> torch.Tensor:
    """Return the normalized Hadamard matrix for vectors of `width`, which is its own inverse.

    Its size is the largest power of two that divides `width`, at most 64.
    """
    size = min(width & -width, _MAX_BLOCK)
    matrix = torch.ones(1, 1, device="cpu")
    while len(matrix) < size:
        matrix = torch.cat((torch.cat((matrix, matrix), 1), torch.cat((matrix, -matrix), 1)))
    return matrix / math.sqrt(size)


def hadamard_rotate(rows: torch.Tensor, width: int = 0) -> torch.Tensor:
    """Return `rows` (`..., I`) with each row rotated block by block.

    The block size is that of `hadamard_matrix(width)`; `width` 0 stands for `I`, and the head size
    keeps blocks inside heads. A rotated weight `O, I` takes rotated inputs.
    """
    matrix = hadamard_matrix(width or rows.shape[-1])
    return (rows.unflatten(-1, (-1, len(matrix))) @ matrix).flatten(-2)


def hadamard_rotate_columns(rows: torch.Tensor, width: int = 0) -> torch.Tensor:
    """Return a weight `rows` (`O, I`) with its columns rotated: its outputs are then rotated."""
    matrix = hadamard_matrix(width or len(rows))
    return (matrix @ rows.unflatten(0, (-1, len(matrix)))).flatten(0, 1)


def pack_matrix(weight: torch.Tensor, scales: torch.Tensor) -> Any:
    """Return an int8 `weight` (`O, I`) with `scales` (`O`) in the layout of its kernel (fbgemm)."""
    zeros = torch.zeros(len(scales), dtype=torch.long)
    rows = torch._make_per_channel_quantized_tensor(weight, scales.double(), zeros, 0)
    return torch.ops.quantized.linear_prepack(rows, None)


def packed_product(x: torch.Tensor, packed: Any) -> torch.Tensor:
    """Return `N, O` for `x` (`N, I`) with values from -1 to 1, which the kernel quantizes."""
    result: torch.Tensor = (
        torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32.default(
            x, 1 / _MAX_INT8, _ZERO_POINT, packed
        )
    )
    return result


@lru_cache(maxsize=1)
def has_exact_int8_kernel() -> bool:
    """Whether this torch has the kernel and its sums are exact on this processor.

    They are on processors with byte products (VNNI). Older ones add pairs in 16 bits, which
    overflow for the largest values.
    """
    weight = torch.full((16, 64), _MAX_INT8, dtype=torch.int8)
    try:
        found = packed_product(torch.ones(2, 64), pack_matrix(weight, torch.ones(16)))
    except (RuntimeError, AttributeError, NotImplementedError):  # another processor, another torch
        return False
    return bool(((found - 64 * _MAX_INT8).abs() < 1).all())


class Int8Matrix(nn.Module):
    """An int8 `weight` (`O, I`) with one scale per row in `scales` (`O`, fp32).

    After `pack`, for the CPU only, the weight is on the meta device, as that of `Fp16Linear`.
    """

    def __init__(self, inputs: int, outputs: int, device: torch.device | str | None) -> None:
        super().__init__()
        weight = torch.empty(outputs, inputs, dtype=torch.int8, device=device)
        scales = torch.empty(outputs, dtype=torch.float32, device=device)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.scales = nn.Parameter(scales, requires_grad=False)
        self._packed: Any = None
        self._min_scale = torch.tensor(_MIN_SCALE, device="cpu")

    def pack(self) -> None:
        """Pack the weight into the layout of the kernel, if there is an exact one.

        Raises ValueError if a scale is not finite.
        """
        if not self.scales.isfinite().all():
            raise ValueError("it has values that are NaN or infinite")
        if has_exact_int8_kernel():
            self._packed = pack_matrix(self.weight.detach(), self.scales)
            self.weight = nn.Parameter(self.weight.to("meta"), requires_grad=False)

    def unscaled_product(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return `N, O` for `rows` (`N, I`, fp32), and the factor it must be multiplied with.

        The factor is `N, 1` on a CPU; a caller may combine it with a factor of its own.
        """
        if not rows.is_cpu:
            return functional.linear(rows.float(), self.dequantized(rows.device)), rows.new_ones(())
        largest = rows.abs().amax(-1, keepdim=True).add_(self._min_scale)
        scaled = rows / largest
        if self._packed is not None:
            return packed_product(scaled, self._packed), largest
        sums = torch._int_mm(scaled.mul_(_MAX_INT8).round_().to(torch.int8), self.weight.t())
        return sums * self.scales, largest.mul_(1 / _MAX_INT8)

    def dequantized(self, device: torch.device) -> torch.Tensor:
        """Return the weight in fp32, `O, I`."""
        return self.weight.to(device).float() * self.scales.to(device)[:, None]

    def _apply(self, fn: Any, recurse: bool = True) -> Int8Matrix:
        """Ignore moves once packed, because the kernel runs on the CPU only."""
        if self._packed is None:
            super()._apply(fn, recurse)
        return self


class Int8Linear(Int8Matrix):
    """A linear layer without bias for inputs that are rotated already."""

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
        product, factor = self.unscaled_product(x)
        return product.mul_(factor)


class OnlineHadamardLinear(Int8Linear):
    """A linear layer without bias that rotates its input at run time ("online" in QuaRot)."""

    def __init__(self, inputs: int, outputs: int, bias: bool = False, **kwargs: Any) -> None:
        super().__init__(inputs, outputs, bias, **kwargs)
        self._hadamard = hadamard_matrix(inputs)
        # The kernel of `Fp16Linear` keeps rows independent; fp16 holds the matrix exactly.
        self._packed_hadamard: Any = None
        if has_fp16_kernel():
            self._packed_hadamard = torch.ops.quantized.linear_prepack_fp16(self._hadamard, None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `N, O` for `x` (`N, I`, fp32)."""
        blocks = x.view(-1, len(self._hadamard))
        if self._packed_hadamard is not None and x.is_cpu:
            blocks = fp16_linear(blocks, self._packed_hadamard)
        else:
            blocks = functional.linear(blocks, self._hadamard.to(x.device, x.dtype))
        return super().forward(blocks.view(x.shape))


class Int8RMSNormLinear(Int8Matrix):
    """RMSNorm, then a linear layer; the norm's weight is folded into the matrix."""

    def __init__(
        self, inputs: int, outputs: int, eps: float, ops: type[Int8Operations], **kwargs: Any
    ) -> None:
        super().__init__(inputs, outputs, kwargs.get("device"))
        self._inverse_rms = InverseRMS(inputs, eps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `N, O` for `x` (`N, I`, fp32)."""
        product, factor = self.unscaled_product(x)
        return product.mul_(self._inverse_rms(x).mul_(factor))


class Int8Operations:
    """The layers of a model with int8 matrices; between them it computes in fp32."""

    Linear = Int8Linear
    Embedding = UpcastEmbedding
    RMSNorm = Fp32RMSNorm
    RMSNormLinear = Int8RMSNormLinear
    DownLinear = OnlineHadamardLinear
