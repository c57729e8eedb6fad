"""The text with which A1111 describes a picture; galleries and model sites read it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from .file_hashes import PictureHashes
from .generation_settings import GenerationSettings
from .swept_values import ShownAxis

# ComfyUI's name -> A1111's name; _gpu only says where the noise is drawn.
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
# The parameters of a sweep under the names of A1111's X/Y/Z plot, where it has them.
AXES = {
    "cfg": "CFG Scale",
    "denoise": "Denoising",
    "clip_skip": "Clip skip",
    "steps": "Steps",
    "sampler_name": "Sampler",
    "scheduler": "Schedule type",
    "seed": "Seed",
    "lora_strength": "LoRA strength",
    "prompt S/R": "Prompt S/R",
    "checkpoint": "Checkpoint name",
    "vae": "VAE",
}
# Before A1111 1.9 these schedules were part of the sampler's name, and readers still expect that.
IN_THE_SAMPLERS_NAME = ("karras", "exponential")

# A1111's reader takes a last line with fewer entries for a part of the prompt.
_LEAST_ENTRIES = 3

NO_HASHES = PictureHashes()


def quoted(value: str) -> str:
    """Quote a value, as JSON, where a reader would split or change it.

    A1111 quotes values with a comma, colon or newline. This function also quotes values with
    blanks around them or a leading quotation mark, which A1111's reader would remove.
    """
    is_plain = value == value.strip() and not value.startswith('"')
    is_plain = is_plain and not set(value) & set(",:\n")
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def sampler_name(sampler: str | None, scheduler: str | None) -> str | None:
    """A1111's name of a sampler; "sampler_scheduler" for samplers that A1111 does not have."""
    if sampler is None:
        return None
    name = SAMPLERS.get(sampler)
    if name is None:
        return f"{sampler}_{scheduler}" if scheduler else sampler
    return f"{name} {SCHEDULERS[scheduler]}" if scheduler in IN_THE_SAMPLERS_NAME else name


def number_text(number: float) -> str:
    """A number as people write it: 7 for 7.0."""
    return str(number).removesuffix(".0")


def hash_list(hashes: Mapping[str, str]) -> str | None:
    """Hashes by name, as A1111 lists them; None for none."""
    return ", ".join(f"{name}: {short}" for name, short in hashes.items()) or None


def axis_entries(axes: tuple[ShownAxis, ShownAxis] | None) -> dict[str, str]:
    """The columns and rows of a grid under A1111's names, their values as CSV."""
    found = {}
    for letter, axis in zip("XY", axes or (), strict=False):
        if axis:
            found[f"{letter} Type"] = AXES.get(axis[0], axis[0])
            found[f"{letter} Values"] = ", ".join(
                _csv_value(_axis_value(axis[0], one)) for one in axis[1]
            )
    return {"Script": "X/Y/Z plot", **found} if found else {}


def _axis_value(parameter: str, shown: str) -> str:
    """A value of an axis as A1111 names it: "DPM++ 2M Karras" for "dpmpp_2m karras"."""
    if parameter == "sampler_name":
        sampler, blank, scheduler = shown.partition(" ")
        return SAMPLERS.get(sampler, sampler) + blank + SCHEDULERS.get(scheduler, scheduler)
    return SCHEDULERS.get(shown, shown) if parameter == "scheduler" else shown


def _csv_value(text: str) -> str:
    """One value of a list in CSV, in quotation marks where it needs them."""
    is_plain = text == text.strip() and text and not set(text) & set(',"\r\n')
    return text if is_plain else '"' + text.replace('"', '""') + '"'


def infotext(
    settings: GenerationSettings,
    text: str,
    size: tuple[int, int] | None,
    version: str,
    hashes: PictureHashes = NO_HASHES,
) -> str:
    """The text for a picture that was generated at `size`; `text`, where given, is its prompt.

    The lines are the prompt, the negative prompt and the settings, under A1111's names and in its
    order. Readers find the settings by their first entry, the steps: without steps there is no line
    of settings. A prompt alone stays unchanged.
    """
    one = settings
    prompt, negative = text or one.positive or "", (one.negative or "").strip()
    if one.steps is None and not negative:
        return prompt
    is_part_of_steps = one.denoise is not None and one.denoise < 1
    entries = {
        "Steps": one.steps,
        "Sampler": sampler_name(one.sampler, one.scheduler),
        "Schedule type": SCHEDULERS.get(one.scheduler or "", one.scheduler),
        "CFG scale": None if one.cfg is None else number_text(one.cfg),
        "Seed": one.seed,
        "Size": size and f"{size[0]}x{size[1]}",
        "Model hash": hashes.model,
        "Model": one.model,
        "VAE hash": hashes.vae,
        "VAE": one.vae,
        # A1111 writes it for image to image only: denoise 1 is text to image.
        "Denoising strength": number_text(one.denoise or 0) if is_part_of_steps else None,
        "Clip skip": one.clip_skip,
        "Lora hashes": hash_list(hashes.loras),
        "TI hashes": hash_list(hashes.embeddings),
        **axis_entries(one.axes),
    }
    known = [f"{key}: {quoted(str(value))}" for key, value in entries.items() if value is not None]
    if hashes.embeddings:
        # CivitAI finds embeddings by this entry alone, which its extension for A1111 writes.
        listed = {f"embed:{name}": short[:10] for name, short in hashes.embeddings.items()}
        known.append(f"Hashes: {json.dumps(listed, ensure_ascii=False)}")
    known.append(f"Version: {version}")
    if one.steps is None or len(known) < _LEAST_ENTRIES:
        known = []
    lines = [prompt.strip(), negative and f"Negative prompt: {negative}", ", ".join(known)]
    return "\n".join(line for line in lines if line)
