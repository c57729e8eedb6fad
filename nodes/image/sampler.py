"""Sampler (CFG / Denoise): core's KSampler with scheduled and rescaled CFG, and a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comfy.samplers
from comfy_api.latest import io, ui

from nodes import common_ksampler

from ...tipo_core.pictures.files.generation_settings import GenerationSettings
from ...tipo_core.pictures.sampling.denoise import (
    DENOISE_MODES,
    RUN_ALL_STEPS,
    check_denoise,
    first_step,
)
from ...tipo_core.pictures.sampling.guidance import NO_RAMP, Guidance
from ...tipo_core.pictures.sampling.sampling_trace import SamplingTrace, sampling_report
from ..host_features import schema
from ..inputs import (
    SettingsType,
    cfg_input,
    check_choice,
    fraction,
    report_output,
    sampler_choices,
    sampling_inputs,
)
from .guidance_wrappers import traced, with_rescale, with_schedule
from .lora_steps import has_lora_steps, lora_lines, with_lora_steps
from .prompt_steps import PromptSteps, with_prompt_steps, without_times


@dataclass(frozen=True)
class Settings:
    """Sampling settings without the guidance; the names are those of the node's inputs."""

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

    Core's `common_ksampler` runs, so that shape, dtype, keys and values of the result are those of
    KSampler for every kind of latent. `latent` is not changed. Raises ValueError for settings that
    are unknown or out of range.
    """
    if not 0.0 <= cfg_rescale <= 1.0:
        raise ValueError(f"cfg_rescale {cfg_rescale:g} is out of range: set it between 0 and 1")
    trace = SamplingTrace()
    steps = _steps(model, settings)
    if cfg_rescale:
        model = with_rescale(model, cfg_rescale)
    if guidance.has_interval or guidance.has_ramp:
        model = with_schedule(model, guidance)
    prompts = PromptSteps(settings.steps, {"positive": positive, "negative": negative})
    if prompts.has_schedules:
        model = with_prompt_steps(model, prompts)
        positive, negative = without_times(positive), without_times(negative)
    of_loras: list[str] = []
    if has_lora_steps(both := [*positive, *negative]):
        model = with_lora_steps(model, settings.steps)
        of_loras = lora_lines(both, settings.steps)
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
    return result, "\n".join([report, *prompts.lines(), *of_loras])


def _steps(model: Any, settings: Settings) -> dict[str, Any]:
    """Return the argument of `common_ksampler` that selects the steps: its denoise or first step.

    Raises ValueError for an unknown sampler or scheduler, which core replaces with another.
    """
    for name, known in sampler_choices().items():
        check_choice(name, getattr(settings, name), known)
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
            description="Replaces KSampler: the same inputs give the same latent to the bit, and "
            "the node shows the steps that ran. CFG can apply to a part of the schedule, change "
            "over it, and be rescaled.",
            inputs=[
                io.Model.Input("model", tooltip="Diffusion model that denoises the latent."),
                *sampling_inputs(
                    seed="Random seed of the noise.",
                    steps="Denoising steps. Below denoise 1, denoise_mode decides how many of them "
                    "run.",
                    cfg="Classifier-free guidance: how strongly the picture follows the prompt. At "
                    "1 the negative is not computed, which halves the work.",
                    sampler_name="Algorithm of the steps.",
                    scheduler="Distribution of the noise levels (sigmas) over the steps.",
                ),
                io.Conditioning.Input("positive", tooltip="Content the picture should show."),
                io.Conditioning.Input("negative", tooltip="Content the picture should avoid."),
                io.Latent.Input(
                    "latent_image",
                    tooltip="Latent to denoise: an empty one for text to image, an encoded "
                    "picture for image to image. Its noise mask is used.",
                ),
                fraction(
                    "denoise",
                    1.0,
                    "Strength: 1 replaces the latent, lower values keep more of it, 0 returns it "
                    "unchanged. Below 1, denoise_mode decides which steps run.",
                ),
                io.Combo.Input(
                    "denoise_mode",
                    options=list(DENOISE_MODES),
                    default=RUN_ALL_STEPS,
                    optional=True,
                    tooltip="Below denoise 1: run all steps runs the last steps of a longer "
                    "schedule, as ComfyUI does; scale steps runs about steps x denoise of them, "
                    "as A1111 does.",
                ),
                fraction(
                    "cfg_start",
                    0.0,
                    "Fraction of the steps at which CFG starts. Before it the negative is not "
                    "computed, which halves the work.",
                    optional=True,
                ),
                fraction(
                    "cfg_end",
                    1.0,
                    "Fraction of the steps at which CFG ends. After it the negative is not "
                    "computed, which halves the work.",
                    optional=True,
                ),
                fraction(
                    "cfg_rescale",
                    0.0,
                    "Reduces the contrast that a high cfg adds (Lin et al. 2023): 0 is off, 0.7 is "
                    "usual. Applied to the result of CFG, after other patches.",
                    optional=True,
                ),
                cfg_input(
                    "cfg_end_value",
                    default=NO_RAMP,
                    min=-1.0,
                    optional=True,
                    tooltip="cfg of the last step: cfg changes linearly to this value over the "
                    "schedule. -1, or the value of cfg, is off.",
                ),
            ],
            outputs=[
                io.Latent.Output("latent", display_name="latent", tooltip="The denoised latent."),
                report_output(
                    "Sampler, scheduler, sigmas, steps and model calls that ran, and seconds per "
                    "step."
                ),
                SettingsType.Output(
                    "settings",
                    display_name="settings",
                    tooltip="Steps, sampler, scheduler, cfg, seed and denoise that ran, for Save "
                    "Image (Compressed).",
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
        ran = GenerationSettings(
            steps=steps,
            sampler=sampler_name,
            scheduler=scheduler,
            cfg=cfg,
            seed=seed,
            denoise=denoise,
        )
        return io.NodeOutput(latent, report, ran, ui=ui.PreviewText(report))


NODES = [TipoSampler]
