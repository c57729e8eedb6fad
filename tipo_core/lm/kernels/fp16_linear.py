"""Linear layers on a CPU whose weights are kept in half precision and computed with in fp32.

The matrix is put into the order in which its kernel (fbgemm) reads it once, when it is loaded:
torch's own linear layer does so at each call. A row of the result is the same to the last bit
beside any other rows and on any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.nn import functional


def is_half_fast() -> bool:
    """Whether this torch has the kernel; on processors other than x86 it has not."""
    return "fbgemm" in torch.backends.quantized.supported_engines


def _kernel(x: torch.Tensor, packed: Any) -> torch.Tensor:
    result: torch.Tensor = torch.ops.quantized.linear_dynamic_fp16.default(x, packed)
    return result


# The kernel takes rows in groups of up to six or more. So many are tried beside given ones.
_MOST_BESIDE = 6


@cache
def rows_beside(count: int) -> int:
    """Return how many rows `count` rows need behind them to come out as they do in other numbers.

    On processors without AVX-512 the kernel adds up in another order where a group is of one row
    or two, as one of three for seven rows is; that is tried out here, with a row many times over.
    """
    generator = torch.Generator().manual_seed(0)
    row, *weight = torch.randn(1 + 16, 256, generator=generator)
    packed = torch.ops.quantized.linear_prepack_fp16(torch.stack(weight), None)
    wanted = _kernel(row.repeat(_MOST_BESIDE, 1), packed)[:1]
    for extra in range(_MOST_BESIDE + 1):
        found = _kernel(row.repeat(count + extra, 1), packed)[:count]
        if torch.equal(found, wanted.expand_as(found)):
            return extra
    return 0


def half_product(x: torch.Tensor, packed: Any) -> torch.Tensor:
    """Return `N, O` for rows `x` (`N, I`, fp32) and a packed fp16 matrix, each row as if alone."""
    beside = rows_beside(len(x))
    if not beside:
        return _kernel(x, packed)
    return _kernel(functional.pad(x, (0, 0, 0, beside)), packed)[: len(x)]


class HalfLinear(nn.Module):
    """A linear layer without bias: fp16 `weight` (`O, I`) until `pack`, then a shape alone.

    The shape goes on to tell whoever asks how much memory the layer takes.
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
        """Put the weight into the kernel's order; what it was read into is given back.

        A weight that fp16 cannot hold is a ValueError.
        """
        weight = self.weight.detach()
        if not torch.stack(weight.aminmax()).isfinite().all():
            raise ValueError("it holds no numbers, or such that are too large for fp16")
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight.float(), None)
        self.weight = nn.Parameter(weight.to("meta"), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `N, O` for `x` (`N, I`, fp32)."""
        return half_product(x, self._packed)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> HalfLinear:
        """Stay: the kernel is one of the CPU."""
        return self


class HalfEmbedding(nn.Embedding):
    """Kept in the dtype it is given, looked up in fp32."""

    def reset_parameters(self) -> None:
        """Leave the weights to the checkpoint."""

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return `..., C` in fp32."""
        return functional.embedding(tokens, self.weight.to(tokens.device)).float()


class RMSFactor:
    """What RMSNorm (Zhang and Sennrich 2019) multiplies a row of so many values with."""

    def __init__(self, width: int, eps: float) -> None:
        # A tensor, because a plain number would be made one each time.
        self._eps = torch.tensor(eps, device="cpu")
        self._share = 1 / width

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return `..., 1` for `x` (`..., C`, fp32)."""
        if not x.is_cpu:
            return x.square().mean(-1, keepdim=True).add_(float(self._eps)).rsqrt_()
        # Two thirds of the time of torch's own norm, which takes more steps.
        length = torch.linalg.vector_norm(x, 2, -1, keepdim=True)
        return torch.addcmul(self._eps, length, length, value=self._share).rsqrt_()


class FullRMSNorm(nn.RMSNorm):
    """In fp32, whatever the rest of the model is kept in."""

    def __init__(self, width: int, eps: float, **kwargs: Any) -> None:
        super().__init__(width, eps, **{**kwargs, "dtype": torch.float32})
        self._factor = RMSFactor(width, eps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `..., C` for `x`, alike, wherever the weight is."""
        return (x * self._factor(x)).mul_(self.weight.to(x.device))


class HalfNormedLinear(HalfLinear):
    """RMSNorm and the linear layer behind it, whose matrix the norm's own weight is part of."""

    def __init__(
        self, inputs: int, outputs: int, eps: float, ops: type[HalfOperations], **kwargs: Any
    ) -> None:
        super().__init__(inputs, outputs, **kwargs)
        self._factor = RMSFactor(inputs, eps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `N, O` for `x` (`N, I`, fp32)."""
        return super().forward(x * self._factor(x))


class HalfOperations:
    """Layers of a model whose matrices are kept in fp16; it computes in fp32."""

    Linear = HalfLinear
    Embedding = HalfEmbedding
    RMSNorm = FullRMSNorm
    NormedLinear = HalfNormedLinear
