"""The report of a sampling run."""

from __future__ import annotations

from collections.abc import Sequence


def sampling_report(
    *,
    sampler_name: str,
    scheduler: str,
    cfg: float,
    denoise: float,
    steps_asked: int,
    steps_run: int,
    sigmas: Sequence[float],
    negative_is_skipped: bool,
) -> str:
    """What the sampler did, a line each. `sigmas` are the noise levels used, first to last."""
    if not sigmas:
        return (
            f"sampler {sampler_name}, scheduler {scheduler}\n"
            f"denoise {denoise:g}: 0 steps run, the latent is returned as it came"
        )
    shown = sigmas if len(sigmas) <= 3 else (sigmas[0], *sigmas[-2:])
    lines = [
        f"sampler {sampler_name}, scheduler {scheduler}",
        f"sigmas {' .. '.join(f'{sigma:.4f}' for sigma in shown)}",
        f"steps run {steps_run} of {steps_asked} asked, denoise {denoise:g}",
        f"cfg {cfg:g}" + (": the negative is not computed" if negative_is_skipped else ""),
    ]
    return "\n".join(lines)
