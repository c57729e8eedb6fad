"""Rehearses a sampler without its model, to learn which model calls belong to which step."""

from __future__ import annotations

import logging
from typing import Any

import comfy.model_patcher
import comfy.samplers
import torch

from ...tipo_core.pictures.sampling.step_calls import CallSteps, Rehearsal, calls_of_steps

log = logging.getLogger("tipo-suite")

# Height, width, frames or length of the rehearsed latent, at most.
_SIDE = 8
_CALLS_PER_STEP = 20


class _TooManyCallsError(Exception):
    """The sampler does not come to an end."""


class _StandIn:
    """Stands in for a guider: it has the guider's attributes and a prediction of one line.

    The prediction is `share` times the latent. Only functions that the sampler itself adds after
    CFG are called.
    """

    def __init__(self, guider: Any, share: float, most_calls: int) -> None:
        self.guider = guider
        self.share = share
        self.most_calls = most_calls
        self.events: list[float | None] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.guider, name)

    def __call__(
        self, x: torch.Tensor, timestep: torch.Tensor, model_options: Any = None, seed: Any = None
    ) -> torch.Tensor:
        if len(self.events) > self.most_calls:
            raise _TooManyCallsError
        self.events.append(float(timestep[0]))
        denoised = self.share * torch.sin(x)
        options = model_options or {}
        for function in options.get("sampler_post_cfg_function", []):
            denoised = function(
                {
                    "denoised": denoised,
                    "cond": None,
                    "uncond": None,
                    "cond_scale": 1.0,
                    "model": self.guider.inner_model,
                    "uncond_denoised": denoised,
                    "cond_denoised": denoised,
                    "sigma": timestep,
                    "model_options": options,
                    "input": x,
                }
            )
        return denoised


def rehearsed(
    sampler: Any, guider: Any, sigmas: torch.Tensor, extra_args: dict[str, Any], noise: torch.Tensor
) -> tuple[CallSteps | None, bool]:
    """Return the step of each model call of a run, and whether steps are reported at their end.

    `sigmas` are the noise levels of the run (steps + 1), `noise` is B, C, ...; one latent of the
    same channels and a small size is sampled on the CPU. The model is not called, and global random
    generators are left as they were. None for a sampler whose calls depend on the latent, or whose
    rehearsal fails: the noise level then gives the step.
    """
    first = _rehearse(sampler, guider, sigmas, extra_args, noise, share=0.0)
    if first is None:
        return None, False
    levels = sigmas.tolist()
    calls = calls_of_steps(first, levels)
    if calls is not None and not calls.begin_at(levels):
        # Steps of its own: they must not depend on the latent.
        second = _rehearse(sampler, guider, sigmas, extra_args, noise, share=0.7)
        if second is None or second.events != first.events:
            calls = None
    return calls, first.reports_at_end


def _rehearse(
    sampler: Any,
    guider: Any,
    sigmas: torch.Tensor,
    extra_args: dict[str, Any],
    noise: torch.Tensor,
    share: float,
) -> Rehearsal | None:
    run = getattr(sampler, "sampler_function", None)
    if run is None:
        return None
    sigmas = sigmas.detach().cpu()
    shape = (1, *noise.shape[1:2], *(min(side, _SIDE) for side in noise.shape[2:]))
    guide = _StandIn(guider, share, _CALLS_PER_STEP * len(sigmas) + 100)
    model = comfy.samplers.KSamplerX0Inpaint(guide, sigmas)
    count = torch.Size(shape).numel()
    model.noise = torch.linspace(-1.0, 1.0, count).reshape(shape)
    model.latent_image = torch.zeros(shape)
    options = comfy.model_patcher.create_model_options_clone(extra_args["model_options"])
    options["sampler_post_cfg_function"] = []
    try:
        # Samplers without a seed of their own draw from the global generator of the CPU.
        with torch.random.fork_rng(devices=[]):
            run(
                model,
                model.noise * sigmas[0],
                sigmas,
                extra_args={**extra_args, "model_options": options, "denoise_mask": None},
                callback=lambda _: guide.events.append(None),
                disable=True,
                **sampler.extra_options,
            )
    except Exception as error:
        log.debug("the sampler cannot be rehearsed: %s: %s", type(error).__name__, error)
        return None
    return Rehearsal(tuple(guide.events))
