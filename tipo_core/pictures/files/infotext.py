"""The text that A1111 keeps in its pictures, which galleries and model sites read."""

from __future__ import annotations

import json
from dataclasses import replace

from .generation_settings import Generation

# ComfyUI's sampler names under A1111's; _gpu only says where the noise is drawn.
SAMPLERS = {
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "heun": "Heun",
    "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a",
    "lms": "LMS",
    "dpm_fast": "DPM fast",
    "dpm_adaptive": "DPM adaptive",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_sde_gpu": "DPM++ SDE",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_gpu": "DPM++ 2M SDE",
    "dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun",
    "dpmpp_2m_sde_heun_gpu": "DPM++ 2M SDE Heun",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "dpmpp_3m_sde_gpu": "DPM++ 3M SDE",
    "lcm": "LCM",
    "ddim": "DDIM",
    "uni_pc": "UniPC",
}
SCHEDULERS = {
    "normal": "Normal",
    "simple": "Simple",
    "karras": "Karras",
    "exponential": "Exponential",
    "polyexponential": "Polyexponential",
    "sgm_uniform": "SGM Uniform",
    "ddim_uniform": "DDIM",
    "beta": "Beta",
    "kl_optimal": "KL Optimal",
    "align_your_steps": "Align Your Steps",
    "turbo": "Turbo",
}
# Schedules that were part of the sampler's name before A1111 1.9, as readers still expect.
IN_THE_SAMPLERS_NAME = ("karras", "exponential")


def quoted(value: str) -> str:
    """A value as A1111 writes it: in JSON quotes where it would end or begin another one.

    Beyond A1111's own rule (comma, colon, newline), text that its reader would change is quoted:
    with space around it or a quotation mark in front.
    """
    is_plain = value == value.strip() and not value.startswith('"')
    is_plain = is_plain and not set(value) & set(",:\n")
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def sampler_name(sampler: str | None, scheduler: str | None) -> str | None:
    """A1111's name of a sampler; `sampler_scheduler` where it has none."""
    if sampler is None:
        return None
    name = SAMPLERS.get(sampler)
    if name is None:
        return f"{sampler}_{scheduler}" if scheduler else sampler
    return f"{name} {SCHEDULERS[scheduler]}" if scheduler in IN_THE_SAMPLERS_NAME else name


def infotext(generation: Generation, text: str, size: tuple[int, int], version: str) -> str:
    """The text for a picture of `size` (width, height); `text`, where given, is its prompt.

    Where nothing else is known it is `text` to the letter, else the prompt, the negative prompt
    and the settings under A1111's names and in its order, each from a line of its own on.
    """
    one = generation
    prompt, negative = text or one.positive or "", (one.negative or "").strip()
    if not negative and replace(one, positive=None, negative=None) == Generation():
        return prompt
    settings = {
        "Steps": one.steps,
        "Sampler": sampler_name(one.sampler, one.scheduler),
        "Schedule type": SCHEDULERS.get(one.scheduler or "", one.scheduler),
        "CFG scale": None if one.cfg is None else f"{one.cfg:g}",
        "Seed": one.seed,
        "Size": f"{size[0]}x{size[1]}",
        "Model": one.model,
        "VAE": one.vae,
        # At 1 the picture is no image to image, and A1111 writes none.
        "Denoising strength": f"{one.denoise:g}" if one.denoise and one.denoise < 1 else None,
        "Clip skip": one.clip_skip,
        "Version": version,
    }
    known = [f"{key}: {quoted(str(value))}" for key, value in settings.items() if value is not None]
    lines = [prompt.strip(), negative and f"Negative prompt: {negative}", ", ".join(known)]
    return "\n".join(line for line in lines if line)
