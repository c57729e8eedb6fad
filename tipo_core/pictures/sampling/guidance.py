"""Classifier-free guidance that changes over a schedule, and its rescaling."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import torch

NO_RAMP = -1.0

# In steps: the noise levels of uni_pc and dpm_fast differ from the schedule by rounding.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class Guidance:
    """The cfg of each step: an interval with guidance, and a ramp over the schedule.

    `start` and `end` are fractions of the steps that are run; outside the interval cfg is 1, which
    needs no negative (Kynkaanniemi et al. 2024, "Applying Guidance in a Limited Interval"). With an
    `end_value` other than -1, cfg changes linearly from `cfg` in the first step of the schedule to
    `end_value` in its last.
    Raises ValueError for values out of range.
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
                f"cfg_start {self.start:g} is greater than cfg_end {self.end:g}: exchange them, "
                "or set cfg to 1 for no guidance"
            )
        if not 0.0 <= self.cfg < math.inf:
            raise ValueError(f"cfg {self.cfg:g} is not valid: give a number of 0 or more")
        if self.end_value != NO_RAMP and not 0.0 <= self.end_value < math.inf:
            raise ValueError(
                f"cfg_end_value {self.end_value:g} is not valid: give a number of 0 or more, "
                "or -1 for no ramp"
            )

    @property
    def has_ramp(self) -> bool:
        """Whether cfg changes over the schedule."""
        return self.end_value not in (NO_RAMP, self.cfg)

    @property
    def has_interval(self) -> bool:
        """Whether a part of the schedule has no guidance."""
        return self.start > 0.0 or self.end < 1.0

    def at(self, step: float, steps: int) -> float:
        """Return the cfg of a step (0 is the first, 1.5 in the second) of a schedule of `steps`."""
        fraction = step / steps
        # A step that begins at `end` is outside the interval; at 1 the interval has no end.
        if fraction < self.start or (fraction >= self.end and self.end < 1.0):
            return 1.0
        if not self.has_ramp:
            return self.cfg
        done = min(step / (steps - 1), 1.0) if steps > 1 else 0.0
        return self.cfg + (self.end_value - self.cfg) * done


def step_at(sigma: float, sigmas: Sequence[float]) -> float:
    """Return the step of a noise level: i for `sigmas[i]`.

    `sigmas` are steps + 1 descending noise levels. Between two of them the step is interpolated
    linearly, for samplers that call the model inside a step; outside them it is 0 or the number of
    steps.
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
    """Return `denoised` with the deviation of its velocity moved towards that of the positive.

    Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps are Flawed", equations 15
    and 16: v * (rescale * std(v of cond_denoised) / std(v) + 1 - rescale), with the deviation over
    all values of one picture. The velocity v is that of a v-prediction model, as in core's
    RescaleCFG, or with `is_flow` that of a rectified flow; the predictions of every model convert
    to either.

    `denoised` (after CFG), `cond_denoised` and the noisy `x`: B, ...; `sigma`: B.
    """
    sigma = sigma.reshape(-1, *[1] * (x.ndim - 1))
    if is_flow:
        of_x, of_denoised = 1 / sigma, -1 / sigma
    else:
        root = (sigma * sigma + 1) ** 0.5
        of_x, of_denoised = 1 / (sigma * root), -root / sigma
    velocity = of_x * x + of_denoised * denoised
    deviation = _deviation(velocity)
    target = _deviation(of_x * x + of_denoised * cond_denoised)
    # A constant velocity cannot be rescaled: 0 / 0.
    factor = torch.where(deviation > 0, rescale * target / deviation + (1 - rescale), 1.0)
    return (velocity * factor - of_x * x) / of_denoised


def _deviation(values: torch.Tensor) -> torch.Tensor:
    return values.std(dim=tuple(range(1, values.ndim)), keepdim=True)
