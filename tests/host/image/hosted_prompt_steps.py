"""The texts that a model sees call by call, inside ComfyUI's own Python; prints JSON.

Run by test_prompt_steps.py (see inside.py). The text encoder gives each text a number, the model
notes the numbers of each call. The steps of each call are a rule written here for each sampler.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any, ClassVar

import comfy.latent_formats
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.model_sampling
import comfy.samplers
import comfy.supported_models_base
import torch

encoding = importlib.import_module("pack.nodes.image.prompt_encoding")
sampling = importlib.import_module("pack.nodes.image.sampler")
guidance = importlib.import_module("pack.tipo_core.pictures.sampling.guidance")

TEXTS: list[str] = []
SEEN: list[set[str]] = []


class NotingModel(torch.nn.Module):
    """Predicts no noise and notes the texts of each call; context (B, 1, 1) holds their numbers."""

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.dtype = torch.float32
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor, t: torch.Tensor, context: Any, **others: Any) -> Any:
        SEEN.append({TEXTS[round(number)] for number in context.flatten().tolist()})
        return torch.zeros_like(x)


class NumbersClip:
    """A text encoder that numbers its texts."""

    layer_idx = None
    cond_stage_model = torch.nn.Module()

    def tokenize(self, text: str, return_word_ids: bool = False) -> str:
        return text

    def encode_from_tokens_scheduled(self, tokens: str, add_dict: Any) -> Any:
        if tokens not in TEXTS:
            TEXTS.append(tokens)
        return [[torch.full((1, 1, 1), float(TEXTS.index(tokens))), dict(add_dict)]]


class Config(comfy.supported_models_base.BASE):
    """The least of a model configuration."""

    unet_config: ClassVar[dict[str, Any]] = {}
    latent_format = comfy.latent_formats.SD15


def model_of(kind: Any) -> Any:
    config = Config({})
    config.set_inference_dtype(torch.float32, torch.float32)
    model = comfy.model_base.BaseModel(config, kind, unet_model=NotingModel)
    device = comfy.model_management.get_torch_device()
    return comfy.model_patcher.ModelPatcher(model, device, torch.device("cpu"))


EPS = model_of(comfy.model_base.ModelType.EPS)
FLOW = model_of(comfy.model_base.ModelType.FLOW)
LATENT = {"samples": torch.ones(1, 4, 1, 1)}

# The rule: calls of each step ---------------------------------------------------------------------

TWO_BUT_LAST = {
    "heun",
    "dpm_2",
    "dpm_2_ancestral",
    "dpmpp_2s_ancestral",
    "dpmpp_2s_ancestral_cfg_pp",
    "dpmpp_sde",
    "dpmpp_sde_gpu",
    "seeds_2",
    "exp_heun_2_x0",
    "exp_heun_2_x0_sde",
}


def calls_of(sampler: str, step: int, steps: int) -> int:
    """Return how often a sampler calls the model in a step of a schedule that ends at 0."""
    left = steps - step
    if sampler in TWO_BUT_LAST:
        return 1 if left == 1 else 2
    if sampler == "heunpp2":
        return min(left, 3)
    if sampler == "seeds_3":
        return 1 if left == 1 else 3
    if sampler == "sa_solver_pece":
        return 1 if step == 0 else 2
    return 1


def run_steps(
    model: Any, steps: int, sampler: str, scheduler: str, denoise: float, mode: str
) -> int:
    """Return the number of steps that core's schedule runs."""
    given = denoise if mode == "run all steps" else 1.0
    whole = comfy.samplers.KSampler(
        model,
        steps=steps,
        device=model.load_device,
        sampler=sampler,
        scheduler=scheduler,
        denoise=given,
        model_options=model.model_options,
    ).sigmas
    length = len(whole) - 1
    if mode == "run all steps" or denoise == 1.0:
        return length
    return min(int(denoise * length) + 1, length)


def drawn(
    text: str,
    negative: str = "no",
    *,
    model: Any = EPS,
    steps: int,
    sampler: str = "euler",
    scheduler: str = "karras",
    denoise: float = 1.0,
    mode: str = "run all steps",
    schedule_steps: int | None = None,
    cfg: float = 1.0,
    alter: Callable[[Any], Any] = lambda conditioning: conditioning,
    **settings: Any,
) -> tuple[list[list[str]], str, str]:
    """Return the texts of each call and the reports of the encoder and the sampler."""
    encoded = encoding.Settings(schedule_steps=schedule_steps or steps, **settings)
    clip = NumbersClip()
    positive, said = encoding.encode(clip, encoding.Texts(text), encoded)
    other, _ = encoding.encode(clip, encoding.Texts(negative), encoded)
    SEEN.clear()
    chosen = sampling.Settings(3, steps, sampler, scheduler, denoise, mode)
    _, report = sampling.sample(
        model, alter(positive), other, LATENT, chosen, guidance.Guidance(cfg), 0.0
    )
    return [sorted(texts) for texts in SEEN], said, report


STEPS = 9


def matrix_text(step: int) -> str:
    """The text of "[a|b] [cat:dog:5] [x:y:0.7]" in a step of nine: 0.7 comes after int(6.3)."""
    return f"{'ab'[step % 2]} {'cat' if step < 5 else 'dog'} {'x' if step < 6 else 'y'}"


def matrix() -> dict[str, Any]:
    """Run every sampler with every scheduler, denoise and mode; return what is wrong."""
    wrong, runs = [], 0
    samplers = [name for name in comfy.samplers.KSampler.SAMPLERS if name != "dpm_adaptive"]
    ways = [(1.0, "run all steps")]
    ways += [(d, m) for d in (0.6, 0.3) for m in ("run all steps", "scale steps")]
    for sampler in samplers:
        for scheduler in comfy.samplers.KSampler.SCHEDULERS:
            for denoise, mode in ways:
                way = STEPS, sampler, scheduler, denoise, mode
                count = run_steps(EPS, *way)
                seen, _, report = drawn(
                    "[a|b] [cat:dog:5] [x:y:0.7]",
                    steps=STEPS,
                    sampler=sampler,
                    scheduler=scheduler,
                    denoise=denoise,
                    mode=mode,
                )
                expected = [
                    [matrix_text(step)]
                    for step in range(count)
                    for _ in range(calls_of(sampler, step, count))
                ]
                # Samplers of cfg++ compute the negative at any cfg.
                seen = [[text for text in texts if text != "no"] for texts in seen]
                runs += 1
                if seen != expected or "approximate" in report:
                    wrong.append([list(way), seen, report.splitlines()[-2:]])
    return {"runs": runs, "samplers": len(samplers), "wrong": len(wrong), "first": wrong[:3]}


def main() -> None:
    """Print all results."""
    print(json.dumps({"matrix": matrix()}))


main()
