"""Linear layers for CPUs with fp16 weights and fp32 computation.

The weight is packed once, when the model is loaded, into the layout of its kernel (fbgemm); torch's
own linear layer packs it at each call. Each row of the result is bit-identical for any number of
other rows and of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.nn import functional


def has_fp16_kernel() -> bool:
    """Whether this torch has the kernel, which exists for x86 processors only."""
    return "fbgemm" in torch.backends.quantized.supported_engines


def _kernel(x: torch.Tensor, packed: Any) -> torch.Tensor:
    result: torch.Tensor = torch.ops.quantized.linear_dynamic_fp16.default(x, packed)
    return result


# The kernel processes rows in groups; with this many padding rows every group is full.
_MAX_PADDING = 6


@cache
def padding_rows(count: int) -> int:
    """Return how many padding rows make the result of `count` rows independent of `count`.

    On processors without AVX-512 the kernel sums in another order in a group of one or two rows,
    and in the group of three that is left of seven rows. This measures it with one row repeated.
    """
    generator = torch.Generator().manual_seed(0)
    row, *weight = torch.randn(1 + 16, 256, generator=generator)
    packed = torch.ops.quantized.linear_prepack_fp16(torch.stack(weight), None)
    wanted = _kernel(row.repeat(_MAX_PADDING, 1), packed)[:1]
    for padding in range(_MAX_PADDING + 1):
        found = _kernel(row.repeat(count + padding, 1), packed)[:count]
        if torch.equal(found, wanted.expand_as(found)):
            return padding
    return 0


def fp16_linear(x: torch.Tensor, packed: Any) -> torch.Tensor:
    """Return `N, O` for rows `x` (`N, I`, fp32) and a packed fp16 matrix, each row as if alone."""
    padding = padding_rows(len(x))
    if not padding:
        return _kernel(x, packed)
    return _kernel(functional.pad(x, (0, 0, 0, padding)), packed)[: len(x)]


class Fp16Linear(nn.Module):
    """A linear layer without bias, with an fp16 `weight` (`O, I`).

    After `pack` the weight is on the meta device: a host still reads the layer's size from it.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        bias: bool = False,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        assert not bias
        weight = torch.empty(outputs, inputs, dtype=torch.float16, device=device)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self._packed: Any = None

    def pack(self) -> None:
        """Pack the weight into the kernel's layout and free the unpacked one.

        Raises ValueError if fp16 cannot hold the weight.
        """
        weight = self.weight.detach()
        if not torch.stack(weight.aminmax()).isfinite().all():
            raise ValueError("it has values that are NaN, infinite or too large for fp16")
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight.float(), None)
        self.weight = nn.Parameter(weight.to("meta"), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `N, O` for `x` (`N, I`, fp32)."""
        return fp16_linear(x, self._packed)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Fp16Linear:
        """Ignore moves to another device or dtype, because the kernel runs on the CPU only."""
        return self


class UpcastEmbedding(nn.Embedding):
    """An embedding that is stored in its own dtype and looked up in fp32."""

    def reset_parameters(self) -> None:
        """Leave the weight uninitialized: the checkpoint fills it."""

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return `..., C` in fp32 for token ids `...`."""
        return functional.embedding(tokens, self.weight.to(tokens.device)).float()


class InverseRMS:
    """1 / RMS of each row, the factor of RMSNorm (Zhang and Sennrich 2019)."""

    def __init__(self, width: int, eps: float) -> None:
        # A tensor, because torch would convert a plain number at each call.
        self._eps = torch.tensor(eps, device="cpu")
        self._inverse_width = 1 / width

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return `1 / sqrt(mean(x ** 2) + eps)`, `..., 1`, for `x` (`..., C`, fp32)."""
        if not x.is_cpu:
            return x.square().mean(-1, keepdim=True).add_(float(self._eps)).rsqrt_()
        # Takes two thirds of the time of torch's own norm.
        length = torch.linalg.vector_norm(x, 2, -1, keepdim=True)
        return torch.addcmul(self._eps, length, length, value=self._inverse_width).rsqrt_()


class Fp32RMSNorm(nn.RMSNorm):
    """RMSNorm with an fp32 weight, whatever dtype the rest of the model has."""

    def __init__(self, width: int, eps: float, **kwargs: Any) -> None:
        super().__init__(width, eps, **{**kwargs, "dtype": torch.float32})
        self._inverse_rms = InverseRMS(width, eps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `..., C` for `x` (`..., C`, fp32); the weight may be on another device."""
        return (x * self._inverse_rms(x)).mul_(self.weight.to(x.device))


class Fp16RMSNormLinear(Fp16Linear):
    """RMSNorm, then a linear layer; the norm's weight is folded into the matrix."""

    def __init__(
        self, inputs: int, outputs: int, eps: float, ops: type[Fp16Operations], **kwargs: Any
    ) -> None:
        super().__init__(inputs, outputs, **kwargs)
        self._inverse_rms = InverseRMS(inputs, eps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `N, O` for `x` (`N, I`, fp32)."""
        return super().forward(x * self._inverse_rms(x))


class Fp16Operations:
    """The layers of a model with fp16 matrices that computes in fp32."""

    Linear = Fp16Linear
    Embedding = UpcastEmbedding
    RMSNorm = Fp32RMSNorm
    RMSNormLinear = Fp16RMSNormLinear
