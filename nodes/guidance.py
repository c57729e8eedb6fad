"""What the sampler adds to a model's guidance: a count, a rescaling, a cfg for each step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import comfy.model_sampling
import comfy.patcher_extension
import comfy.samplers
import torch

from ..tipo_core.pictures.guidance import Guidance, rescaled, step_at
from ..tipo_core.pictures.sampling import ModelCalls

_KEY = "tipo-suite"


def counted(model: Any, calls: ModelCalls) -> Any:
    """Return a clone of a model whose calls are counted; what it computes stays the same."""
    model = model.clone()

    # A closure, because a clone of the clone would copy what a bound method belongs to.
    def count(executor: Any, inner: Any, conds: Any, *args: Any, **named: Any) -> Any:
        calls.count(has_negative=len(conds) > 1 and conds[1] is not None)
        return executor(inner, conds, *args, **named)

    comfy.patcher_extension.add_wrapper_with_key(
        comfy.patcher_extension.WrappersMP.CALC_COND_BATCH,
        _KEY,
        count,
        model.model_options,
        is_model_options=True,
    )
    return model


def with_rescale(model: Any, rescale: float) -> Any:
    """Return a clone of a model with `rescaled` behind its other post-CFG patches."""
    model = model.clone()
    model_sampling = model.get_model_object("model_sampling")
    is_flow = isinstance(model_sampling, comfy.model_sampling.CONST)

    def rescale_cfg(args: dict[str, Any]) -> torch.Tensor:
        denoised: torch.Tensor = args["denoised"]
        # At cfg 1 nothing was amplified; what other patches did is theirs.
        if math.isclose(args["cond_scale"], 1.0):
            return denoised
        return rescaled(
            denoised, args["cond_denoised"], args["input"], args["sigma"], rescale, is_flow=is_flow
        )

    model.set_model_sampler_post_cfg_function(rescale_cfg)
    return model


class ScheduledGuider(comfy.samplers.CFGGuider):
    """Core's guider with the cfg of `guidance` at each noise level of `sigmas` (steps + 1)."""

    def __init__(self, model: Any, guidance: Guidance, sigmas: Sequence[float]) -> None:
        super().__init__(model)
        self.set_cfg(guidance.cfg)
        self.guidance = guidance
        self.sigmas = sigmas

    def predict_noise(
        self,
        x: torch.Tensor,
        timestep: torch.Tensor,
        model_options: dict[str, Any] | None = None,
        seed: int | None = None,
    ) -> torch.Tensor:
        """Return the denoised prediction; at cfg 1 core leaves the negative out."""
        step = step_at(float(timestep[0]), self.sigmas)
        predicted: torch.Tensor = comfy.samplers.sampling_function(
            self.inner_model,
            x,
            timestep,
            self.conds.get("negative"),
            self.conds.get("positive"),
            self.guidance.at(step, len(self.sigmas) - 1),
            model_options=model_options or {},
            seed=seed,
        )
        return predicted
