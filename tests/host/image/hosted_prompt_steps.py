"""The texts that a model sees call by call, inside ComfyUI's own Python; prints JSON.

Run by test_prompt_steps.py (see inside.py). The text encoder gives each text a number, the model
notes the numbers of each call. The steps of each call are a rule written here for each sampler.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from functools import cache
from itertools import groupby
from typing import Any, ClassVar

import comfy.latent_formats
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.model_sampling
import comfy.samplers
import comfy.supported_models_base
import torch

import nodes

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


@cache
def encoded(text: str, **settings: Any) -> tuple[Any, str]:
    """Return the conditioning of a text and the report."""
    result: tuple[Any, str] = encoding.encode(
        NumbersClip(), encoding.Texts(text), encoding.Settings(**settings)
    )
    return result


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
    latent: Any = LATENT,
    **settings: Any,
) -> tuple[list[list[str]], str, str]:
    """Return the texts of each call and the reports of the encoder and the sampler."""
    settings["schedule_steps"] = schedule_steps or steps
    positive, said = encoded(text, **settings)
    other, _ = encoded(negative, **settings)
    SEEN.clear()
    chosen = sampling.Settings(3, steps, sampler, scheduler, denoise, mode)
    _, report = sampling.sample(
        model, alter(positive), other, latent, chosen, guidance.Guidance(cfg), 0.0
    )
    return [sorted(texts) for texts in SEEN], said, report


STEPS = 6
MATRIX = "[a|b] [cat:dog:4] [x:y:0.57]"


def matrix_text(step: int) -> str:
    """The text of MATRIX in a step of six: 0.57 comes after int(3.42) steps."""
    return f"{'ab'[step % 2]} {'cat' if step < 4 else 'dog'} {'x' if step < 3 else 'y'}"


def matrix() -> dict[str, Any]:
    """Run every sampler with every scheduler, denoise and mode; return the wrong runs."""
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
                    MATRIX,
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


def letters(text: str, **way: Any) -> str:
    """Return the texts that the calls see, joined; several in one call in round brackets."""
    seen, _, _ = drawn(text, **way)
    return "".join(t[0] if len(t) == 1 else f"({'+'.join(t)})" for t in seen)


def runs_of(text: str, **way: Any) -> list[list[Any]]:
    """Return the texts that the calls see, each with the number of calls in sequence."""
    seen, _, _ = drawn(text, **way)
    return [["+".join(texts), len(list(run))] for texts, run in groupby(seen)]


def core_letters(text: str, scheduler: str, steps: int, **settings: Any) -> str:
    """Return the texts that the calls of core's KSampler see."""
    conditioning, _ = encoded(text, schedule_steps=steps, **settings)
    SEEN.clear()
    nodes.common_ksampler(
        EPS, 3, steps, 1.0, "euler", scheduler, conditioning, conditioning, LATENT
    )
    return "".join("+".join(sorted(texts)) for texts in SEEN)


def examples() -> dict[str, Any]:
    """Return what single runs see."""
    schedulers = comfy.samplers.KSampler.SCHEDULERS
    fraction: dict[str, Any] = {"schedule_fractions": "of the timesteps"}
    return {
        "alternation": {s: letters("[a|b]", steps=20, scheduler=s) for s in schedulers},
        "at step 8": {s: runs_of("[cat:dog:8]", steps=20, scheduler=s) for s in schedulers},
        "fraction": {s: runs_of("[cat:dog:0.57]", steps=10, scheduler=s) for s in schedulers},
        "scaled": runs_of(
            "[cat:dog:8]", steps=20, denoise=0.6, mode="scale steps", scheduler="exponential"
        ),
        "heun": runs_of("[cat:dog:2]", steps=4, sampler="heun"),
        "negative": drawn("a", "[n|m]", steps=4, cfg=7.0)[0],
        "flow": letters("[a|b]", steps=7, model=FLOW, sampler="dpmpp_2s_ancestral"),
        "other steps": runs_of("[cat:dog:0.5]", steps=9, schedule_steps=20),
        "later than encoded": drawn("[cat:dog:25]", steps=30, schedule_steps=20)[0][-1],
        "periods": letters("[a|b:0.2]", steps=20),
        "periods of steps": letters("[a|b|c:3]", steps=11),
        "timesteps": {
            s: [
                letters("[a:b:0.37]", steps=13, scheduler=s, **fraction),
                core_letters("[a:b:0.37]", s, 13, **fraction),
            ]
            for s in schedulers
        },
    }


def replaced() -> dict[str, Any]:
    """Return a run that needs a text that was not encoded."""
    seen, _, report = drawn("[a:b:3] [c:d:0.5]", steps=4, schedule_steps=20)
    return {"seen": seen, "report": report.splitlines()}


def altered() -> dict[str, Any]:
    """Return runs with conditioning that core's nodes have altered."""
    other, _ = encoded("[x|y|z]", schedule_steps=6)
    once, _ = encoded("always", schedule_steps=6)
    combine = nodes.ConditioningCombine().combine
    area = nodes.ConditioningSetArea().append
    early = nodes.ConditioningSetTimestepRange().set_range
    ways: dict[str, Callable[[Any], Any]] = {
        "combined": lambda given: combine(given, other)[0],
        "with a plain one": lambda given: combine(given, once)[0],
        "area": lambda given: area(given, 64, 64, 0, 0, 1.0)[0],
        "first half": lambda given: early(given, 0.0, 0.5)[0],
    }
    found: dict[str, Any] = {}
    for name, alter in ways.items():
        seen, _, report = drawn("[a|b]", steps=6, scheduler="simple", alter=alter)
        found[name] = seen
        found[f"{name}: lines"] = [
            line.partition(":")[0] for line in report.splitlines() if " in steps " in line
        ]
    return found


def same_latents() -> list[str]:
    """Return the samplers whose latents or global generator a schedule changes; none should."""
    plain, _ = encoded("a", schedule_steps=5)
    scheduled, _ = encoded("[a:b:1.0]", schedule_steps=5)
    wrong = []
    for sampler in comfy.samplers.KSampler.SAMPLERS:
        results = []
        for conditioning in (plain, scheduled):
            torch.manual_seed(11)
            way = sampling.Settings(3, 5, sampler, "karras", 1.0, "run all steps")
            latent, _ = sampling.sample(
                EPS, conditioning, plain, LATENT, way, guidance.Guidance(2.0), 0.0
            )
            results.append((latent["samples"], torch.get_rng_state()))
        torch.manual_seed(11)
        (core,) = nodes.common_ksampler(EPS, 3, 5, 2.0, sampler, "karras", plain, plain, LATENT)
        results.append((core["samples"], torch.get_rng_state()))
        if not all(
            torch.equal(values, core["samples"]) and torch.equal(state, results[-1][1])
            for values, state in results
        ):
            wrong.append(sampler)
    return wrong


def patched() -> dict[str, Any]:
    """Return the texts of a run with a patch that predicts once more in each call."""
    model = EPS.clone()

    def again(args: dict[str, Any]) -> Any:
        comfy.samplers.calc_cond_batch(
            args["model"], [args["cond"]], args["input"], args["sigma"], args["model_options"]
        )
        return args["denoised"]

    model.set_model_sampler_post_cfg_function(again)
    return {"twice": letters("[a|b]", model=model, steps=4)}


# Samplers as other packs add them -----------------------------------------------------------------


def reports_last(model: Any, x: Any, sigmas: Any, extra_args: Any, callback: Any, **_: Any) -> Any:
    """Call the model at both ends of a step, then report it."""
    for i in range(len(sigmas) - 1):
        for sigma in sigmas[i : i + 2] if i < len(sigmas) - 2 else sigmas[i : i + 1]:
            denoised = model(x, sigma * x.new_ones([x.shape[0]]), **extra_args)
        callback({"x": x, "i": i, "denoised": denoised})
    return x


def needs_width(model: Any, x: Any, sigmas: Any, extra_args: Any, callback: Any, **_: Any) -> Any:
    """Fail for any latent but that of this test, so that it cannot be rehearsed."""
    if x.shape[-1] != 24:
        raise RuntimeError("only 24")
    return comfy.samplers.k_diffusion_sampling.sample_heun(
        model, x, sigmas, extra_args=extra_args, callback=callback, disable=True
    )


def by_the_latent(model: Any, x: Any, sigmas: Any, extra_args: Any, callback: Any, **_: Any) -> Any:
    """Call the model twice in a step where the prediction is large."""
    for i in range(len(sigmas) - 1):
        for _again in range(2):
            denoised = model(x, sigmas[i] * x.new_ones([x.shape[0]]), **extra_args)
            if float(denoised.abs().max()) < 1e-3:
                break
        callback({"x": x, "i": i, "denoised": denoised})
    return x


def foreign() -> dict[str, Any]:
    """Return runs of samplers that are not core's, and of dpm_adaptive."""
    found = {}
    wide = {"samples": torch.ones(1, 4, 1, 24)}
    names = comfy.samplers.KSampler.SAMPLERS
    for function in (reports_last, needs_width, by_the_latent):
        setattr(comfy.samplers.k_diffusion_sampling, f"sample_{function.__name__}", function)
        names.append(function.__name__)
    for name in ("reports_last", "needs_width", "by_the_latent", "dpm_adaptive"):
        seen, _, report = drawn(
            "[cat:dog:3]", steps=6, sampler=name, scheduler="karras", latent=wide
        )
        found[name] = {"seen": ["+".join(texts) for texts in seen], "report": report.splitlines()}
    return found


def main() -> None:
    """Print all results."""
    results = {
        "matrix": matrix(),
        "examples": examples(),
        "replaced": replaced(),
        "altered": altered(),
        "same latents": same_latents(),
        "patched": patched(),
        "foreign": foreign(),
        "reports": {
            name: [report.splitlines() for report in drawn(text, **way)[1:]]
            for name, (text, way) in REPORTS.items()
        },
    }
    print(json.dumps(results))


REPORTS: dict[str, tuple[str, dict[str, Any]]] = {
    "when": ("a [cat:dog:8]", {"steps": 20}),
    "turns": ("[a|b]", {"steps": 20}),
    "timesteps": ("[a:b:0.5]", {"steps": 20, "schedule_fractions": "of the timesteps"}),
    "unread": ("[a:b:TAG], [a:b:c:0.1], [c:d:30]", {"steps": 20}),
    "plain": ("a cat", {"steps": 4}),
}


main()
