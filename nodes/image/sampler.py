"""Sampler (CFG / Denoise): core's KSampler, with CFG over a part of the schedule and a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comfy.samplers
from comfy_api.latest import io, ui

from nodes import common_ksampler

from ...tipo_core.pictures.sampling.denoise import (
    DENOISE_MODES,
    RUN_ALL_STEPS,
    check_denoise,
    first_step,
)
from ...tipo_core.pictures.sampling.guidance import NO_RAMP, Guidance
from ...tipo_core.pictures.sampling.sampling_trace import SamplingTrace, sampling_report
from ..host_features import schema
from .guidance_wrappers import traced, with_rescale, with_schedule


@dataclass(frozen=True)
class Settings:
    """How a latent is sampled, apart from the guidance; the names are the node's inputs."""

    seed: int
    steps: int
    sampler_name: str
    scheduler: str
    denoise: float
    denoise_mode: str


def sample(
    model: Any,
    positive: Any,
    negative: Any,
    latent: dict[str, Any],
    settings: Settings,
    guidance: Guidance,
    cfg_rescale: float,
) -> tuple[dict[str, Any], str]:
    """Denoise `latent["samples"]` (B, C, H, W; 5-D and nested too): a new latent and the report.

    It is core's `common_ksampler` that runs, so that shape, dtype, keys and values of the result
    are those of KSampler for every kind of latent. `latent` stays as it is. Raises ValueError for
    settings that mean nothing.
    """
    if not 0.0 <= cfg_rescale <= 1.0:
        raise ValueError(f"cfg_rescale {cfg_rescale:g} is outside 0 to 1: give a value between")
    trace = SamplingTrace()
    steps = _steps(model, settings)
    if cfg_rescale:
        model = with_rescale(model, cfg_rescale)
    if guidance.has_interval or guidance.has_ramp:
        model = with_schedule(model, guidance)
    (result,) = common_ksampler(
        traced(model, trace),
        settings.seed,
        settings.steps,
        guidance.cfg,
        settings.sampler_name,
        settings.scheduler,
        positive,
        negative,
        latent,
        **steps,
    )
    report = sampling_report(
        sampler_name=settings.sampler_name,
        scheduler=settings.scheduler,
        guidance=guidance,
        cfg_rescale=cfg_rescale,
        denoise=settings.denoise,
        denoise_mode=settings.denoise_mode,
        steps_asked=settings.steps,
        trace=trace,
        seconds=trace.seconds(),
    )
    return result, report


def _steps(model: Any, settings: Settings) -> dict[str, Any]:
    """Return how core is told which steps to run: by its own denoise, or by the first step.

    Core takes another sampler or scheduler for a name that it does not know: here it is an error.
    """
    for name, known in (
        ("sampler_name", comfy.samplers.KSampler.SAMPLERS),
        ("scheduler", comfy.samplers.KSampler.SCHEDULERS),
    ):
        if getattr(settings, name) not in known:
            raise ValueError(
                f"{name} {getattr(settings, name)!r} is not known: choose {', '.join(known)}"
            )
    check_denoise(settings.steps, settings.denoise, settings.denoise_mode)
    if settings.denoise == 0.0 or settings.denoise_mode == RUN_ALL_STEPS:
        return {"denoise": settings.denoise}
    whole = comfy.samplers.KSampler(
        model,
        steps=settings.steps,
        device=model.load_device,
        sampler=settings.sampler_name,
        scheduler=settings.scheduler,
        model_options=model.model_options,
    ).sigmas
    return {"start_step": first_step(len(whole) - 1, settings.denoise)}


class TipoSampler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoSampler",
            display_name="Sampler (CFG / Denoise)",
            category="TIPO/sampling",
            search_aliases=[
                "ksampler",
                "cfg schedule",
                "cfg rescale",
                "denoise",
                "guidance interval",
            ],
            advanced=["denoise_mode", "cfg_start", "cfg_end", "cfg_rescale", "cfg_end_value"],
            shows_report=True,
            description="Takes the place of KSampler: the same inputs give the same latent to the "
            "last bit, and the node shows what was really run. CFG may work in a part of the "
            "schedule alone, change over it, and be rescaled.",
            inputs=[
                io.Model.Input("model", tooltip="Diffusion model that denoises the latent."),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=True,
                    tooltip="Random seed of the noise.",
                ),
                io.Int.Input(
                    "steps",
                    default=20,
                    min=1,
                    max=10000,
                    tooltip="Denoising steps. Below denoise 1, denoise_mode says how many of them "
                    "run.",
                ),
                io.Float.Input(
                    "cfg",
                    default=8.0,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    round=0.01,
                    tooltip="Classifier-free guidance: how strongly the picture follows the "
                    "prompt. At 1 the negative is not computed, which halves the work.",
                ),
                io.Combo.Input(
                    "sampler_name",
                    options=comfy.samplers.KSampler.SAMPLERS,
                    tooltip="Algorithm that takes the steps.",
                ),
                io.Combo.Input(
                    "scheduler",
                    options=comfy.samplers.KSampler.SCHEDULERS,
                    tooltip="How the noise levels (sigmas) are spread over the steps.",
                ),
                io.Conditioning.Input("positive", tooltip="What the picture should show."),
                io.Conditioning.Input("negative", tooltip="What the picture should avoid."),
                io.Latent.Input(
                    "latent_image",
                    tooltip="Latent to denoise: an empty one for text to image, an encoded "
                    "picture for image to image. A noise mask in it is honoured.",
                ),
                io.Float.Input(
                    "denoise",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Strength: 1 replaces the latent, lower keeps more of it, 0 returns "
                    "it unchanged. denoise_mode says which steps are run below 1.",
                ),
                io.Combo.Input(
                    "denoise_mode",
                    options=list(DENOISE_MODES),
                    default=RUN_ALL_STEPS,
                    optional=True,
                    tooltip="Below denoise 1: run all steps takes the last steps of a longer "
                    "schedule, as ComfyUI does; scale steps runs about steps x denoise of them, "
                    "as A1111 does.",
                ),
                io.Float.Input(
                    "cfg_start",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="From which fraction of the steps on CFG works. Before it the negative "
                    "is not computed, which halves the work.",
                ),
                io.Float.Input(
                    "cfg_end",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="Up to which fraction of the steps CFG works. Behind it the negative "
                    "is not computed, which halves the work.",
                ),
                io.Float.Input(
                    "cfg_rescale",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="Takes back the contrast that a high cfg adds (Lin et al. 2023): 0 is "
                    "off, 0.7 is usual. Works on the result of CFG, behind other patches.",
                ),
                io.Float.Input(
                    "cfg_end_value",
                    default=NO_RAMP,
                    min=-1.0,
                    max=100.0,
                    step=0.1,
                    round=0.01,
                    optional=True,
                    tooltip="The cfg of the last step: it changes linearly from cfg to this over "
                    "the schedule. -1, or the same as cfg, is off.",
                ),
            ],
            outputs=[
                io.Latent.Output("latent", display_name="latent", tooltip="The denoised latent."),
                io.String.Output(
                    "report",
                    display_name="report",
                    tooltip="What was run: sampler, scheduler, sigmas, steps, model calls, seconds "
                    "per step.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        positive: Any,
        negative: Any,
        latent_image: dict[str, Any],
        denoise: float,
        denoise_mode: str = RUN_ALL_STEPS,
        cfg_start: float = 0.0,
        cfg_end: float = 1.0,
        cfg_rescale: float = 0.0,
        cfg_end_value: float = NO_RAMP,
    ) -> io.NodeOutput:
        settings = Settings(seed, steps, sampler_name, scheduler, denoise, denoise_mode)
        guidance = Guidance(cfg, cfg_start, cfg_end, cfg_end_value)
        latent, report = sample(
            model, positive, negative, latent_image, settings, guidance, cfg_rescale
        )
        return io.NodeOutput(latent, report, ui=ui.PreviewText(report))


NODES = [TipoSampler]
