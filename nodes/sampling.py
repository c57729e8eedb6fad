"""Sampler (CFG / Denoise): core's KSampler, with CFG over a part of the schedule and a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comfy.model_management
import comfy.sample
import comfy.samplers
import comfy.utils
import latent_preview
import torch
from comfy_api.latest import io, ui

from ..tipo_core.pictures.denoise import (
    DENOISE_MODES,
    RUN_ALL_STEPS,
    first_step,
    schedule_steps,
)
from ..tipo_core.pictures.guidance import NO_RAMP, Guidance
from ..tipo_core.pictures.sampling import ModelCalls, sampling_report
from .guidance import ScheduledGuider, counted, with_rescale


@dataclass(frozen=True)
class Settings:
    """How a latent is sampled, apart from the guidance; the names are the node's inputs."""

    seed: int
    steps: int
    sampler_name: str
    scheduler: str
    denoise: float
    denoise_mode: str


def schedule(model: Any, settings: Settings) -> torch.Tensor:
    """Return the noise levels that are run (steps + 1), falling; empty at denoise 0.

    In the mode "run all steps" they are those of core's KSampler to the last bit.
    """
    asked = settings.steps, settings.denoise, settings.denoise_mode
    steps = schedule_steps(*asked)
    if not steps:
        return torch.empty(0)
    sigmas: torch.Tensor = comfy.samplers.KSampler(
        model,
        steps=steps,
        device=model.load_device,
        sampler=settings.sampler_name,
        scheduler=settings.scheduler,
        denoise=1.0,
        model_options=model.model_options,
    ).sigmas
    return sigmas[first_step(len(sigmas) - 1, *asked) :]


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

    With one cfg for all steps these are the calls of core's KSampler in the same order, so that
    the result is bit-identical. `latent` is copied; only its samples are replaced.
    """
    if not 0.0 <= cfg_rescale <= 1.0:
        raise ValueError(f"cfg_rescale {cfg_rescale:g} is outside 0 to 1: give a value between")
    calls = ModelCalls()
    steps_run = 0
    sigmas = schedule(model, settings)
    if len(sigmas):
        samples = comfy.sample.fix_empty_latent_channels(model, latent["samples"])
        noise = comfy.sample.prepare_noise(samples, settings.seed, latent.get("batch_index"))
        show_progress = latent_preview.prepare_callback(model, settings.steps)
        if cfg_rescale:
            model = with_rescale(model, cfg_rescale)
        model = counted(model, calls)

        def count_step(step: int, x0: torch.Tensor, x: torch.Tensor, total_steps: int) -> None:
            nonlocal steps_run
            steps_run += 1
            show_progress(step, x0, x, total_steps)

        common = {
            "callback": count_step,
            "disable_pbar": not comfy.utils.PROGRESS_BAR_ENABLED,
            "seed": settings.seed,
        }
        mask = latent.get("noise_mask")
        if guidance.has_interval or guidance.has_ramp:
            guider = ScheduledGuider(model, guidance, sigmas.tolist())
            guider.set_conds(positive, negative)
            sampler = comfy.samplers.sampler_object(settings.sampler_name)
            samples = guider.sample(noise, samples, sampler, sigmas, denoise_mask=mask, **common)
            samples = samples.to(comfy.model_management.intermediate_device())
        else:
            samples = comfy.sample.sample(
                model,
                noise,
                settings.steps,
                guidance.cfg,
                settings.sampler_name,
                settings.scheduler,
                positive,
                negative,
                samples,
                denoise=settings.denoise,
                noise_mask=mask,
                sigmas=sigmas,
                **common,
            )
        latent = {**latent, "samples": samples}
    report = sampling_report(
        sampler_name=settings.sampler_name,
        scheduler=settings.scheduler,
        guidance=guidance,
        cfg_rescale=cfg_rescale,
        denoise=settings.denoise,
        denoise_mode=settings.denoise_mode,
        steps_asked=settings.steps,
        steps_run=steps_run,
        sigmas=sigmas.tolist(),
        calls=calls,
        seconds=calls.seconds(),
    )
    return dict(latent), report


class TipoSampler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TipoSampler",
            display_name="Sampler (CFG / Denoise)",
            category="TIPO/sampling",
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
