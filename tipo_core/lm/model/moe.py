"""The mixture-of-experts feed-forward block (DeepSeekMoE, Dai et al. 2024).

The router and the experts hold their weights themselves instead of using layers of `operations`,
because no linear layer multiplies with a slice of its weight. Both are leaf modules, the unit that
a host's memory management moves; a weight that the host leaves on another device is moved when it
is used. Weights are not initialized: the checkpoint fills them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ..kernels.embedding_bag import IndexedMatVec
from .config import LlamaConfig, MoEConfig

# Up to this many (token, expert) pairs are computed pair by pair. With more pairs, on a CPU one
# product per expert is faster; on an accelerator it pays for the synchronisation that it needs to
# learn the chosen experts. TIPO v2 uses 8 experts and a shared one per token.
_MAX_CPU_PAIRS = 1000
_MAX_ACCELERATOR_PAIRS = 72


class Router(nn.Module):
    """Chooses the experts of each token and their weights, in fp32 whatever the model's dtype.

    The bias counts only in the choice; the weight is the sigmoid score without it: load balancing
    without an auxiliary loss (Wang et al. 2024; DeepSeek-V3, equations 12 to 16).
    """

    def __init__(
        self, hidden: int, config: MoEConfig, device: torch.device | str | None = None
    ) -> None:
        super().__init__()
        self.config = config
        kwargs: dict[str, Any] = {"dtype": torch.float32, "device": device}
        self.weight = nn.Parameter(torch.empty(config.num_experts, hidden, **kwargs))
        self.expert_bias = nn.Parameter(torch.empty(config.num_experts, **kwargs))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the chosen experts and their weights, both `N, K`, for tokens `N, C`."""
        weight = self.weight.to(x.device, torch.float32)
        bias = self.expert_bias.to(x.device, torch.float32)
        scores = functional.linear(x.float(), weight).sigmoid()
        chosen = (scores + bias).topk(self.config.num_experts_per_token, dim=-1).indices
        weights = scores.gather(1, chosen)
        if self.config.norm_topk_prob:
            weights = weights / weights.sum(-1, keepdim=True).clamp_min(1e-9)
        return chosen, weights * self.config.routed_scaling_factor


class Experts(nn.Module):
    """The experts of one layer, stacked: `gate_up` is `E, C, 2F`, `down` is `E, F, C`.

    Each matrix is the transpose of a linear layer's weight, so that an output is a weighted sum
    of rows; the first F columns of `gate_up` are the gate. The shared experts come last. The
    computation runs in the dtype of the weights, which may be smaller than the model's.
    """

    def __init__(
        self,
        hidden: int,
        config: MoEConfig,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        kwargs: dict[str, Any] = {"dtype": dtype, "device": device}
        number = config.num_experts + config.num_shared_experts
        inner = config.intermediate_size
        self.gate_up = nn.Parameter(torch.empty(number, hidden, 2 * inner, **kwargs))
        self.down = nn.Parameter(torch.empty(number, inner, hidden, **kwargs))
        self._gate_up_matvec = IndexedMatVec(hidden, 2 * inner)
        self._down_matvec = IndexedMatVec(inner, hidden)

    def forward(self, x: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return the weighted sum, `N, C`, of the outputs of the `chosen` experts (`N, K`)."""
        is_cpu = x.device.type == "cpu"
        if chosen.numel() > (_MAX_CPU_PAIRS if is_cpu else _MAX_ACCELERATOR_PAIRS):
            return self.by_expert(x, chosen, weights.to(x.dtype)).sum(1)
        by_pair = self.by_pair_in_place if is_cpu else self.by_pair_copied
        outputs = by_pair(x.to(self.gate_up.dtype), chosen, weights.to(self.gate_up.dtype))
        return outputs.sum(1, dtype=x.dtype)

    def by_pair_in_place(
        self, x: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        """Return the weighted outputs, `N, K, C`, without copying the experts' weights."""
        rows, number = chosen.shape
        experts, weights = chosen.flatten(), weights.flatten()
        inputs = x[:, None].expand(-1, number, -1).flatten(0, 1)
        order = None
        if rows > 1:
            # Sorted by expert, so that an expert of several tokens is still in the CPU's cache.
            order = experts.argsort(stable=True)
            experts, inputs, weights = experts[order], inputs[order], weights[order]
        indices = experts.int()
        inner = _weighted_swiglu(self._gate_up_matvec(self.gate_up, indices, inputs), weights)
        outputs = self._down_matvec(self.down, indices, inner)
        if order is not None:
            outputs = torch.empty_like(outputs).index_copy_(0, order, outputs)
        return outputs.view(rows, number, -1)

    def by_pair_copied(
        self, x: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        """Return the weighted outputs, `N, K, C`, with a copy of each chosen expert's weights."""
        rows, number = chosen.shape
        inputs = x[:, None].expand(-1, number, -1).flatten(0, 1)
        inner = torch.bmm(inputs[:, None], _select(self.gate_up, chosen, x.device))[:, 0]
        inner = _weighted_swiglu(inner, weights)
        outputs = torch.bmm(inner[:, None], _select(self.down, chosen, x.device))
        return outputs.view(rows, number, -1)

    def by_expert(
        self, x: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        """Return the weighted outputs, `N, K, C`, with one product per expert and matrix.

        It computes in the dtype of the tokens: without fp16 instructions a CPU takes ten times as
        long for an fp16 product as for one in fp32.
        """
        rows, number = chosen.shape
        experts = chosen.flatten()
        order = experts.argsort(stable=True)
        tokens = x[order.div(number, rounding_mode="floor")]
        groups = list(_runs(experts[order].tolist()))
        inner = x.new_empty(rows * number, self.gate_up.shape[2])
        for expert, start, end in groups:
            torch.mm(tokens[start:end], self.gate_up[expert].to(x), out=inner[start:end])
        inner = _weighted_swiglu(inner, weights.flatten()[order])
        outputs = torch.empty_like(tokens)
        for expert, start, end in groups:
            torch.mm(inner[start:end], self.down[expert].to(x), out=outputs[start:end])
        # Not `index_add_`: on an accelerator its order of summation varies between runs.
        return torch.empty_like(outputs).index_copy_(0, order, outputs).view(rows, number, -1)


class MoEBlock(nn.Module):
    """RMSNorm, then the router and the routed and shared experts."""

    def __init__(self, model: LlamaConfig, ops: Any, **kwargs: Any) -> None:
        super().__init__()
        assert model.moe is not None
        self.config = model.moe
        self.norm = ops.RMSNorm(model.hidden_size, eps=model.rms_norm_eps, **kwargs)
        self.gate = Router(model.hidden_size, self.config, device=kwargs.get("device"))
        self.experts = Experts(model.hidden_size, self.config, **kwargs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output, `N, C`, for `x` (`N, C`)."""
        tokens = self.norm(x)
        chosen, weights = self.gate(tokens)
        routed, shared = self.config.num_experts, self.config.num_shared_experts
        if shared:
            shared_ids = torch.arange(routed, routed + shared, device=x.device)
            chosen = torch.cat((chosen, shared_ids.expand(len(tokens), -1)), dim=1)
            weights = functional.pad(weights, (0, shared), value=1.0)
        return self.experts(tokens, chosen, weights)


def _weighted_swiglu(gate_up: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the input of the down matrices, `P, F`, for `gate_up` `P, 2F` and `P` weights."""
    gate, up = gate_up.chunk(2, dim=-1)
    return functional.silu(gate) * up * weights.view(-1, 1)


def _select(stack: torch.Tensor, chosen: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return the chosen matrices, `P, ...`, on `device`; only these are copied to it."""
    return stack.index_select(0, chosen.flatten().to(stack.device)).to(device)


def _runs(values: list[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (value, start, end) of each run of equal values."""
    start = 0
    for end in range(1, len(values) + 1):
        if end == len(values) or values[end] != values[start]:
            yield values[start], start, end
            start = end
