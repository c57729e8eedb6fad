"""Wrappers around a model's guidance: a trace of the sampling, CFG rescale, CFG per step."""

from __future__ import annotations

import math
from typing import Any

import comfy.model_sampling
import comfy.patcher_extension
import torch

from ...tipo_core.pictures.sampling.guidance import Guidance, rescaled, step_at
from ...tipo_core.pictures.sampling.sampling_trace import SamplingTrace

_KEY = "tipo-suite"


def traced(model: Any, trace: SamplingTrace) -> Any:
    """Return a clone of a model that records its sampling in `trace`; the latents are the same."""
    model = model.clone()

    # Closures: a clone of the clone would copy the owner of a bound method.
    def count_call(executor: Any, inner: Any, conds: Any, *args: Any, **named: Any) -> Any:
        trace.count(has_negative=len(conds) > 1 and conds[1] is not None)
        return executor(inner, conds, *args, **named)

    def count_steps(
        executor: Any, guider: Any, sigmas: torch.Tensor, extra: Any, callback: Any, *rest: Any
    ) -> Any:
        trace.sigmas = sigmas.tolist()

        def count_step(*progress: Any) -> None:
            trace.steps += 1
            if callback is not None:
                callback(*progress)

        return executor(guider, sigmas, extra, count_step, *rest)

    wrap(model, comfy.patcher_extension.WrappersMP.CALC_COND_BATCH, count_call)
    wrap(model, comfy.patcher_extension.WrappersMP.SAMPLER_SAMPLE, count_steps)
    return model


def with_rescale(model: Any, rescale: float) -> Any:
    """Return a clone of a model with `rescaled` after its other post-CFG patches."""
    model = model.clone()
    model_sampling = model.get_model_object("model_sampling")
    is_flow = isinstance(model_sampling, comfy.model_sampling.CONST)

    def rescale_cfg(args: dict[str, Any]) -> torch.Tensor:
        denoised: torch.Tensor = args["denoised"]
        # At cfg 1 CFG has amplified nothing: leave the result of other patches as it is.
        if math.isclose(args["cond_scale"], 1.0):
            return denoised
        return rescaled(
            denoised, args["cond_denoised"], args["input"], args["sigma"], rescale, is_flow=is_flow
        )

    model.set_model_sampler_post_cfg_function(rescale_cfg)
    return model


def with_schedule(model: Any, guidance: Guidance) -> Any:
    """Return a clone of a model whose guider uses the cfg of `guidance` at each noise level.

    At cfg 1 core does not compute the negative.
    """
    model = model.clone()

    def predict(
        executor: Any, x: Any, timestep: torch.Tensor, model_options: Any = None, seed: Any = None
    ) -> Any:
        options = model_options or {}
        sigmas = options["transformer_options"]["sample_sigmas"].tolist()
        # Core makes a new guider for each run, so that changing its cfg affects this run only.
        executor.class_obj.cfg = guidance.at(step_at(float(timestep[0]), sigmas), len(sigmas) - 1)
        return executor(x, timestep, options, seed)

    wrap(model, comfy.patcher_extension.WrappersMP.PREDICT_NOISE, predict)
    return model


def wrap(model: Any, place: str, wrapper: Any) -> None:
    """Wrap one of core's calls while `model`, a clone, is sampled."""
    comfy.patcher_extension.add_wrapper_with_key(
        place, _KEY, wrapper, model.model_options, is_model_options=True
    )
