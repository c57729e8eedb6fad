"""The exponential moving average of trained weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch


class WeightAverage:
    """A moving average of weights over the steps, in fp32.

    The decay starts low, (1 + n) / (10 + n) after n steps, so that the start is forgotten; this is
    the rule of torch_ema and diffusers' EMAModel without its options.
    """

    def __init__(self, weights: Mapping[str, torch.Tensor], decay: float) -> None:
        self.decay = decay
        self.weights = {name: weight.detach().clone() for name, weight in weights.items()}

    @torch.no_grad()
    def update(self, weights: Mapping[str, torch.Tensor], steps: int) -> None:
        """Take in the weights after `steps` steps."""
        decay = min(self.decay, (1 + steps) / (10 + steps))
        for name, average in self.weights.items():
            average.lerp_(weights[name].detach(), 1 - decay)
