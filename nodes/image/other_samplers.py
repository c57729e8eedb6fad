"""The steps at which core's samplers change a scheduled prompt, beside those that it asks for."""

from __future__ import annotations

from collections.abc import Sequence

import comfy.model_sampling
import comfy.samplers
import torch

from ...tipo_core.pictures.text.prompt_schedule import Clause, PromptSchedule

# Core's own; the menu may have schedulers of other packs.
SCHEDULERS = (
    "normal",
    "simple",
    "sgm_uniform",
    "ddim_uniform",
    "beta",
    "karras",
    "exponential",
    "kl_optimal",
    "linear_quadratic",
)


def other_samplers_lines(clauses: Sequence[Clause], schedule: PromptSchedule) -> list[str]:
    """Report that other samplers change the prompt by time, and how many steps that is off.

    The deviation is that of each scheduler for all steps of SD1.x and SDXL at denoise 1.
    """
    borders = {
        (round(start * schedule.steps), percents[0])
        for clause in clauses
        for (start, _), percents in zip(clause.ranges, clause.percents, strict=True)
        if start > 0
    }
    if not borders:
        return []
    if not schedule.has_steps:
        return [
            "Sampler (CFG / Denoise) gives each step one text; with other samplers a second-order "
            "step can have two"
        ]
    schedulers: dict[int, list[str]] = {}
    for name, off in deviations(sorted(borders), schedule.steps).items():
        schedulers.setdefault(off, []).append(name)
    shown = [
        f"{', '.join(names)} {f'up to {off} step{_plural(off)} off' if off else 'exact'}"
        for off, names in sorted(schedulers.items())
    ]
    return [
        "other samplers than Sampler (CFG / Denoise) change the text by time (SD1.x, SDXL, denoise "
        f"1): {'; '.join(shown)}"
    ]


def _plural(count: int) -> str:
    return "s" if count > 1 else ""


def deviations(borders: Sequence[tuple[int, float]], steps: int) -> dict[str, int]:
    """Return by how many steps each scheduler misses the worst border, for SD1.x and SDXL.

    A border is the step at which the text should change and its start_percent.
    """
    sampling = comfy.model_sampling.ModelSamplingDiscrete()
    wanted = torch.tensor([step for step, _ in borders])
    levels = torch.tensor([sampling.percent_to_sigma(percent) for _, percent in borders])
    found = {}
    for name in SCHEDULERS:
        sigmas = comfy.samplers.calculate_sigmas(sampling, name, steps)[:-1]
        # The first step at or below the noise level of the border; past the last one is never.
        begun = torch.searchsorted(-sigmas, -levels.to(sigmas))
        found[name] = int((begun - wanted).abs().max())
    return found
