"""Counts the model calls of a sampling run, and reports them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from .guidance import Guidance


@dataclass
class SamplingTrace:
    """Model calls, noise levels and steps of a sampling run, recorded while it runs.

    A model call with the negative costs about as much as two without. `sigmas` are the noise
    levels, first to last; empty where no sampler ran. `steps` is the number of steps that were run.
    """

    with_negative: int = 0
    without: int = 0
    first_at: float | None = None
    sigmas: Sequence[float] = field(default_factory=list)
    steps: int = 0

    def count(self, *, has_negative: bool) -> None:
        """Count one call; the first call starts the clock."""
        if self.first_at is None:
            self.first_at = time.perf_counter()
        if has_negative:
            self.with_negative += 1
        else:
            self.without += 1

    @property
    def total(self) -> int:
        """Calls of both kinds."""
        return self.with_negative + self.without

    @property
    def share_of_full_cfg(self) -> float:
        """The work done, as a share of every call with both prompts; 1 before the first call."""
        return (self.total + self.with_negative) / (2 * self.total) if self.total else 1.0

    def seconds(self) -> float:
        """Return the seconds since the first call; loading before it does not count."""
        return 0.0 if self.first_at is None else time.perf_counter() - self.first_at


def sampling_report(
    *,
    sampler_name: str,
    scheduler: str,
    guidance: Guidance,
    cfg_rescale: float,
    denoise: float,
    denoise_mode: str,
    steps_asked: int,
    trace: SamplingTrace,
    seconds: float,
) -> str:
    """Report sampler, sigmas, steps, cfg and model calls; `seconds` is the time of all steps."""
    sigmas = trace.sigmas
    head = f"sampler {sampler_name}, scheduler {scheduler}"
    if not sigmas:
        return f"{head}\ndenoise {denoise:g}: 0 steps run, the latent is returned unchanged"
    shown = sigmas if len(sigmas) <= 3 else (sigmas[0], *sigmas[-2:])
    # At 1 the whole schedule is run, whatever the mode.
    mode = f" ({denoise_mode})" if denoise < 1.0 else ""
    lines = [
        head,
        f"sigmas {' .. '.join(f'{sigma:.4f}' for sigma in shown)}",
        f"steps run {trace.steps} of {steps_asked} asked, denoise {denoise:g}{mode}",
        _cfg_line(guidance, cfg_rescale, trace),
        f"model calls {trace.total}: {trace.with_negative} with the negative, "
        f"{trace.without} without; {trace.share_of_full_cfg:.2f} of the work of full CFG",
    ]
    if trace.steps:
        lines.append(f"seconds per step {seconds / trace.steps:.3f}")
    return "\n".join(lines)


def _cfg_line(guidance: Guidance, cfg_rescale: float, trace: SamplingTrace) -> str:
    line = f"cfg {guidance.cfg:g}"
    if guidance.has_ramp:
        line += f" to {guidance.end_value:g}"
    if guidance.has_interval:
        line += f", from {guidance.start:g} to {guidance.end:g} of the schedule"
    if cfg_rescale:
        line += f", rescale {cfg_rescale:g}"
    return line if trace.with_negative else f"{line}: the negative is not computed"
