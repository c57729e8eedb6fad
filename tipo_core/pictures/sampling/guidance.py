"""Classifier-free guidance that changes over a schedule, and its rescaling."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import torch

NO_RAMP = -1.0

# uni_pc and dpm_fast meet the noise levels of the schedule up to rounding; in steps.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class Guidance:
    """The cfg of each step: an interval of the schedule, and a ramp over it.

    `start` and `end` are fractions of the steps that are run; outside them cfg is 1, which needs
    no negative (Kynkaanniemi et al. 2024, "Applying Guidance in a Limited Interval"). With an
    `end_value` other than -1, cfg goes linearly from `cfg` in the first step of the schedule to
    `end_value` in its last.
    Raises ValueError for values that mean nothing.
    """

    cfg: float
    start: float = 0.0
    end: float = 1.0
    end_value: float = NO_RAMP

    def __post_init__(self) -> None:
        for name, value in (("cfg_start", self.start), ("cfg_end", self.end)):
            if not 0.0 <= value <= 1.0:
                raise ValueError(
                    f"{name} {value:g} is outside 0 to 1: give a fraction of the steps"
                )
        if self.start > self.end:
            raise ValueError(
                f"cfg_start {self.start:g} lies behind cfg_end {self.end:g}: exchange them, "
                "or set cfg 1 to do without the negative"
            )
        if not 0.0 <= self.cfg < math.inf:
            raise ValueError(f"cfg {self.cfg:g} is no strength: give 0 or more")
        if self.end_value != NO_RAMP and not 0.0 <= self.end_value < math.inf:
            raise ValueError(
                f"cfg_end_value {self.end_value:g} is no strength: give 0 or more, or -1 for none"
            )

    @property
    def has_ramp(self) -> bool:
        """Whether cfg changes within the interval."""
        return self.end_value not in (NO_RAMP, self.cfg)

    @property
    def has_interval(self) -> bool:
        """Whether a part of the schedule is left out."""
        return self.start > 0.0 or self.end < 1.0

    def at(self, step: float, steps: int) -> float:
        """Return the cfg `step` steps (0 = the first; fractions too) into a schedule of `steps`."""
        fraction = step / steps
        # The end belongs to what comes behind it, except that nothing comes behind 1.
        if fraction < self.start or (fraction >= self.end and self.end < 1.0):
            return 1.0
        if not self.has_ramp:
            return self.cfg
        done = min(step / (steps - 1), 1.0) if steps > 1 else 0.0
        return self.cfg + (self.end_value - self.cfg) * done


def step_at(sigma: float, sigmas: Sequence[float]) -> float:
    """Return how many steps into a schedule a noise level lies: i at `sigmas[i]`.

    `sigmas` (steps + 1) fall. Between two of them the answer is interpolated linearly, for the
    samplers that ask the model inside a step; outside them it is 0 or the number of steps.
    """
    steps = len(sigmas) - 1
    begun = bisect_right(sigmas, -sigma, key=lambda level: -level) - 1
    if begun < 0:
        return 0.0
    if begun >= steps:
        return float(steps)
    step = begun + (sigmas[begun] - sigma) / (sigmas[begun] - sigmas[begun + 1])
    return float(round(step)) if abs(step - round(step)) < _ROUNDING else step


def rescaled(
    denoised: torch.Tensor,
    cond_denoised: torch.Tensor,
    x: torch.Tensor,
    sigma: torch.Tensor,
    rescale: float,
    *,
    is_flow: bool,
) -> torch.Tensor:
    """Return `denoised` with the spread of its velocity brought towards the positive's.

    Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps are Flawed", equations 15
    and 16: v * (rescale * std(v of cond_denoised) / std(v) + 1 - rescale), the deviation over all
    of one picture. The velocity v is that of a v-prediction model, as in core's RescaleCFG, or
    with `is_flow` that of a rectified flow; every model's predictions can be written as either.

    `denoised` (after CFG), `cond_denoised` and the noisy `x`: B, ...; `sigma`: B.
    """
    sigma = sigma.reshape(-1, *[1] * (x.ndim - 1))
    if is_flow:
        of_x, of_denoised = 1 / sigma, -1 / sigma
    else:
        root = (sigma * sigma + 1) ** 0.5
        of_x, of_denoised = 1 / (sigma * root), -root / sigma
    velocity = of_x * x + of_denoised * denoised
    spread = _spread(velocity)
    aim = _spread(of_x * x + of_denoised * cond_denoised)
    # A velocity without spread has none to be scaled.
    factor = torch.where(spread > 0, rescale * aim / spread + (1 - rescale), 1.0)
    return (velocity * factor - of_x * x) / of_denoised


def _spread(values: torch.Tensor) -> torch.Tensor:
    return values.std(dim=tuple(range(1, values.ndim)), keepdim=True)
