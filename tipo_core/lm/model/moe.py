"""The sparse feed-forward block of a mixture of experts (DeepSeekMoE, Dai et al. 2024).

Router and experts hold their weights themselves and not through `operations`, because no linear
layer computes with a part of its weight. Each is a leaf module, which is what the host's memory
management moves; what it leaves on another device is moved as it is used. Values are left to the
checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ..kernels.embedding_bag import Products
from .config import ExpertsConfig, LlamaConfig

# Up to so many pairs of token and expert are computed without a look at which experts they are:
# on a CPU, where experts that compute all their tokens at once are faster from there on, and on an
# accelerator, which would have to wait for the look. TIPO v2 takes 8 experts and a shared one.
_SUMMED = 1000
_GATHERED = 72


class Router(nn.Module):
    """Chooses the experts of each token and weighs them, in fp32 whatever the model computes in.

    The bias counts in the choice only, the weight is the sigmoid score without it: balancing
    without an auxiliary loss (Wang et al. 2024; DeepSeek-V3, equations 12 to 16).
    """

    def __init__(
        self, hidden: int, config: ExpertsConfig, device: torch.device | str | None = None
    ) -> None:
        super().__init__()
        self.config = config
        kwargs: dict[str, Any] = {"dtype": torch.float32, "device": device}
        self.weight = nn.Parameter(torch.empty(config.number, hidden, **kwargs))
        self.expert_bias = nn.Parameter(torch.empty(config.number, **kwargs))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return for tokens `N, C` the chosen experts and their weights, both `N, K`."""
        weight = self.weight.to(x.device, torch.float32)
        bias = self.expert_bias.to(x.device, torch.float32)
        scores = functional.linear(x.float(), weight).sigmoid()
        chosen = (scores + bias).topk(self.config.per_token, dim=-1).indices
        weights = scores.gather(1, chosen)
        if self.config.normalize_weights:
            weights = weights / weights.sum(-1, keepdim=True).clamp_min(1e-9)
        return chosen, weights * self.config.routed_scaling


class Experts(nn.Module):
    """The experts of one layer, stacked: `gate_up` is `E, C, 2F`, `down` is `E, F, C`.

    Each matrix is the transpose of a linear layer's weight, so that an output is a weighted sum
    of rows; the first F columns of `gate_up` are the gate. The shared experts come last. All
    compute in their own dtype, which may be a smaller one than the model's.
    """

    def __init__(
        self,
        hidden: int,
        config: ExpertsConfig,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        kwargs: dict[str, Any] = {"dtype": dtype, "device": device}
        number, inner = config.number + config.shared, config.intermediate_size
        self.gate_up = nn.Parameter(torch.empty(number, hidden, 2 * inner, **kwargs))
        self.down = nn.Parameter(torch.empty(number, inner, hidden, **kwargs))
        self._gate_up_products = Products(hidden, 2 * inner)
        self._down_products = Products(inner, hidden)

    def forward(self, x: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return the weighted sum, `N, C`, of the outputs of the `chosen` experts (`N, K`)."""
        is_cpu = x.device.type == "cpu"
        if chosen.numel() > (_SUMMED if is_cpu else _GATHERED):
            return self._one_by_one(x, chosen, weights.to(x.dtype)).sum(1)
        compute = self._summed if is_cpu else self._gathered
        outputs = compute(x.to(self.gate_up.dtype), chosen, weights.to(self.gate_up.dtype))
        return outputs.sum(1, dtype=x.dtype)

    def _summed(self, x: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return the weighted outputs, `N, K, C`, reading the experts' weights where they are."""
        rows, number = chosen.shape
        experts, weights = chosen.flatten(), weights.flatten()
        inputs = x[:, None].expand(-1, number, -1).flatten(0, 1)
        order = None
        if rows > 1:
            # Expert by expert, so that one that several tokens take is still in a cache.
            order = experts.argsort(stable=True)
            experts, inputs, weights = experts[order], inputs[order], weights[order]
        pairs = experts.int()
        inner = _swiglu(self._gate_up_products(self.gate_up, pairs, inputs), weights)
        outputs = self._down_products(self.down, pairs, inner)
        if order is not None:
            outputs = torch.empty_like(outputs).index_copy_(0, order, outputs)
        return outputs.view(rows, number, -1)

    def _gathered(
        self, x: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        """Return the weighted outputs, `N, K, C`, from copies of the experts' weights."""
        rows, number = chosen.shape
        inputs = x[:, None].expand(-1, number, -1).flatten(0, 1)
        inner = torch.bmm(inputs[:, None], _choose(self.gate_up, chosen, x.device))[:, 0]
        inner = _swiglu(inner, weights)
        outputs = torch.bmm(inner[:, None], _choose(self.down, chosen, x.device))
        return outputs.view(rows, number, -1)

    def _one_by_one(
        self, x: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        """Return the weighted outputs, `N, K, C`; an expert computes all its tokens at once.

        In the dtype of the tokens: a CPU that has no products of halves takes ten times as long
        for them as for floats.
        """
        rows, number = chosen.shape
        experts = chosen.flatten()
        # Expert by expert: which of the pairs of token and expert are its own.
        order = experts.argsort(stable=True)
        tokens = x[order.div(number, rounding_mode="floor")]
        groups = list(_runs(experts[order].tolist()))
        inner = x.new_empty(rows * number, self.gate_up.shape[2])
        for expert, start, end in groups:
            torch.mm(tokens[start:end], self.gate_up[expert].to(x), out=inner[start:end])
        inner = _swiglu(inner, weights.flatten()[order])
        outputs = torch.empty_like(tokens)
        for expert, start, end in groups:
            torch.mm(inner[start:end], self.down[expert].to(x), out=outputs[start:end])
        # Put back and not added up by index: on an accelerator the order of such sums varies.
        return torch.empty_like(outputs).index_copy_(0, order, outputs).view(rows, number, -1)


class MixtureOfExperts(nn.Module):
    """A norm, the router and the experts, of which every token also takes the shared ones."""

    def __init__(self, model: LlamaConfig, ops: Any, **kwargs: Any) -> None:
        super().__init__()
        assert model.experts is not None
        self.config = model.experts
        self.norm = ops.RMSNorm(model.hidden_size, eps=model.rms_norm_eps, **kwargs)
        self.gate = Router(model.hidden_size, self.config, device=kwargs.get("device"))
        self.experts = Experts(model.hidden_size, self.config, **kwargs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output for `x` (`N, C`)."""
        tokens = self.norm(x)
        chosen, weights = self.gate(tokens)
        if self.config.shared:
            ends = self.config.number, self.config.number + self.config.shared
            shared = torch.arange(*ends, device=x.device).expand(len(tokens), -1)
            chosen = torch.cat((chosen, shared), dim=1)
            weights = functional.pad(weights, (0, self.config.shared), value=1.0)
        return self.experts(tokens, chosen, weights)


def _swiglu(gate_up: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return what goes into the down matrices, `P, F`, for `P, 2F` and as many weights."""
    gate, up = gate_up.chunk(2, dim=-1)
    return functional.silu(gate) * up * weights.view(-1, 1)


def _choose(stack: torch.Tensor, chosen: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return the chosen matrices on `device`; only they are moved to it."""
    return stack.index_select(0, chosen.flatten().to(stack.device)).to(device)


def _runs(values: list[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (value, start, end) of each run of equal values."""
    start = 0
    for end in range(1, len(values) + 1):
        if end == len(values) or values[end] != values[start]:
            yield values[start], start, end
            start = end
