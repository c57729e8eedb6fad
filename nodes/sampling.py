"""Sampler (CFG / Denoise): core's KSampler with a report of what it did."""

from __future__ import annotations

import math
from typing import Any

import comfy.sample
import comfy.samplers
import comfy.utils
import latent_preview
import torch
from comfy_api.latest import io, ui

from ..tipo_core.pictures.sampling import sampling_report


def schedule(
    model: Any, steps: int, sampler_name: str, scheduler: str, denoise: float
) -> torch.Tensor:
    """Noise levels (steps + 1) that core's KSampler would run; empty at denoise 0."""
    return comfy.samplers.KSampler(
        model,
        steps=steps,
        device=model.load_device,
        sampler=sampler_name,
        scheduler=scheduler,
        denoise=denoise,
        model_options=model.model_options,
    ).sigmas


def negative_is_skipped(model: Any, cfg: float) -> bool:
    """Whether core leaves the negative pass out: cfg 1, unless a patch on the model needs it."""
    return math.isclose(cfg, 1.0) and not model.model_options.get(
        "disable_cfg1_optimization", False
    )


def sample(
    model: Any,
    seed: int,
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    positive: Any,
    negative: Any,
    latent: dict[str, Any],
    denoise: float,
) -> tuple[dict[str, Any], str]:
    """Denoise `latent["samples"]` (B, C, H, W; 5-D and nested too): a new latent and the report.

    The same calls in the same order as core's KSampler, so that the result is bit-identical.
    `latent` is copied; only its samples are replaced.
    """
    sigmas = schedule(model, steps, sampler_name, scheduler, denoise)
    samples = comfy.sample.fix_empty_latent_channels(model, latent["samples"])
    noise = comfy.sample.prepare_noise(samples, seed, latent.get("batch_index"))

    show_progress = latent_preview.prepare_callback(model, steps)
    steps_run = 0

    def count_step(step: int, x0: torch.Tensor, x: torch.Tensor, total_steps: int) -> None:
        nonlocal steps_run
        steps_run += 1
        show_progress(step, x0, x, total_steps)

    samples = comfy.sample.sample(
        model,
        noise,
        steps,
        cfg,
        sampler_name,
        scheduler,
        positive,
        negative,
        samples,
        denoise=denoise,
        noise_mask=latent.get("noise_mask"),
        sigmas=sigmas,
        callback=count_step,
        disable_pbar=not comfy.utils.PROGRESS_BAR_ENABLED,
        seed=seed,
    )
    report = sampling_report(
        sampler_name=sampler_name,
        scheduler=scheduler,
        cfg=cfg,
        denoise=denoise,
        steps_asked=steps,
        steps_run=steps_run,
        sigmas=sigmas.tolist(),
        negative_is_skipped=negative_is_skipped(model, cfg),
    )
    return {**latent, "samples": samples}, report


class TipoSampler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TipoSampler",
            display_name="Sampler (CFG / Denoise)",
            category="TIPO/sampling",
            description="Takes the place of KSampler: the same inputs give the same latent to the "
            "last bit, and the node shows the noise levels and steps that were really run.",
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
                    tooltip="Denoising steps. All of them run, also below denoise 1.",
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
                    "it unchanged. Below 1 the last steps of a longer schedule are run.",
                ),
            ],
            outputs=[
                io.Latent.Output("latent", display_name="latent", tooltip="The denoised latent."),
                io.String.Output(
                    "report",
                    display_name="report",
                    tooltip="Sampler, scheduler, sigmas and steps that were run.",
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
    ) -> io.NodeOutput:
        latent, report = sample(
            model,
            seed,
            steps,
            cfg,
            sampler_name,
            scheduler,
            positive,
            negative,
            latent_image,
            denoise,
        )
        return io.NodeOutput(latent, report, ui=ui.PreviewText(report))


NODES = [TipoSampler]
