"""Latents of other kinds than SD's sampled by the pack and by core, inside ComfyUI's own Python.

Run by test_other_latents.py (see inside.py). The models
are a Flux and a Wan of one narrow layer with seeded random weights (rectified flow, 4-D and 5-D),
and one of a few lines that reads picture and sound packed into one row (nested latents).
"""

from __future__ import annotations

import dataclasses
import importlib
import json
from typing import Any, ClassVar

import comfy.latent_formats
import comfy.ldm.flux.model as flux_model
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.nested_tensor
import comfy.sample
import comfy.supported_models
import comfy.supported_models_base
import torch

import nodes
from tests.host.image.small_model import SmallModel

sampling = importlib.import_module("pack.nodes.image.sampler")
guidance = importlib.import_module("pack.tipo_core.pictures.sampling.guidance")
ordinary_layers = importlib.import_module("pack.devkit.server.dynamic_vram").ordinary_layers

STEPS = 5
CONTEXT = 48
FLUX: dict[str, Any] = {
    "image_model": "flux",
    "in_channels": 16,
    "out_channels": 16,
    "patch_size": 2,
    "vec_in_dim": 32,
    "context_in_dim": CONTEXT,
    "hidden_size": 64,
    "mlp_ratio": 2,
    "num_heads": 2,
    "depth": 1,
    "depth_single_blocks": 1,
    "axes_dim": [8, 12, 12],
    "theta": 10000,
    "qkv_bias": True,
    "guidance_embed": False,
}
if "txt_ids_dims" in {field.name for field in dataclasses.fields(flux_model.FluxParams)}:
    FLUX["txt_ids_dims"] = []  # newer cores
WAN = {
    "image_model": "wan2.1",
    "model_type": "t2v",
    "dim": 48,
    "ffn_dim": 64,
    "num_heads": 2,
    "num_layers": 1,
    "text_dim": CONTEXT,
    "freq_dim": 32,
}


class NestedConfig(comfy.supported_models_base.BASE):
    """The least of a model configuration."""

    unet_config: ClassVar[dict[str, Any]] = {}
    latent_format = comfy.latent_formats.LatentFormat


def patcher_of(model: Any) -> Any:
    generator = torch.Generator().manual_seed(5)
    for name, weight in model.named_parameters():
        drawn = torch.randn(weight.shape, generator=generator) * 0.1
        weight.data = 1 + drawn if "norm" in name and name.endswith("weight") else drawn
    device = comfy.model_management.get_torch_device()
    return comfy.model_patcher.ModelPatcher(model, device, torch.device("cpu"))


def model_of(config_class: type, unet_config: dict[str, Any]) -> Any:
    config = config_class(dict(unet_config))
    config.set_inference_dtype(torch.float32, torch.float32)
    with ordinary_layers():
        model = config.get_model({})
    return patcher_of(model)


def nested_model() -> Any:
    config = NestedConfig({})
    config.set_inference_dtype(torch.float32, torch.float32)
    flow = comfy.model_base.ModelType.FLOW
    return patcher_of(comfy.model_base.BaseModel(config, flow, unet_model=SmallModel))


def conditioning(seed: int) -> Any:
    generator = torch.Generator().manual_seed(seed)
    pooled = torch.randn(1, 32, generator=generator)
    return [[torch.randn(1, 6, CONTEXT, generator=generator), {"pooled_output": pooled}]]


POSITIVE, NEGATIVE = conditioning(1), conditioning(2)
KINDS = {
    "flux": (model_of(comfy.supported_models.FluxSchnell, FLUX), torch.zeros(2, 16, 8, 8)),
    "wan": (model_of(comfy.supported_models.WAN21_T2V, WAN), torch.zeros(1, 16, 3, 8, 8)),
    "nested": (
        nested_model(),
        comfy.nested_tensor.NestedTensor([torch.zeros(1, 4, 8, 8), torch.zeros(1, 8, 20)]),
    ),
}


def ours(
    kind: str,
    samples: Any,
    denoise: float = 1.0,
    rescale: float = 0.0,
    steps: int = STEPS,
    cfg: float = 4.0,
    **guided: Any,
) -> Any:
    model, _ = KINDS[kind]
    settings = sampling.Settings(11, steps, "euler", "simple", denoise, "run all steps")
    latent = {"samples": samples, "kept": "yes"}
    result, report = sampling.sample(
        model, POSITIVE, NEGATIVE, latent, settings, guidance.Guidance(cfg, **guided), rescale
    )
    assert result["kept"] == "yes" and latent["samples"] is samples
    return result["samples"], report


def core(kind: str, samples: Any, denoise: float = 1.0, cfg: float = 4.0, **steps: Any) -> Any:
    model, _ = KINDS[kind]
    return nodes.common_ksampler(
        model,
        11,
        STEPS,
        cfg,
        "euler",
        "simple",
        POSITIVE,
        NEGATIVE,
        {"samples": samples},
        denoise=denoise,
        **steps,
    )[0]["samples"]


def in_stages(kind: str, samples: Any, cfgs: list[float]) -> Any:
    for step, cfg in enumerate(cfgs):
        last = step == len(cfgs) - 1
        samples = core(
            kind,
            samples,
            cfg=cfg,
            disable_noise=step > 0,
            start_step=step,
            last_step=step + 1,
            force_full_denoise=last,
        )
    return samples


def parts(samples: Any) -> list[torch.Tensor]:
    return samples.unbind() if samples.is_nested else [samples]


def difference(one: Any, other: Any) -> float:
    pairs = list(zip(parts(one), parts(other), strict=True))
    assert all(a.shape == b.shape and a.std() > 0.01 for a, b in pairs)
    return max(float((a - b).abs().max()) for a, b in pairs)


def velocity_spread(kind: str, **options: Any) -> float:
    """Return the deviation of the velocity in a single step, from the first noise to its result."""
    empty = KINDS[kind][1]
    noise = comfy.sample.prepare_noise(empty, 11)
    drawn, _ = ours(kind, empty, steps=1, **options)
    pairs = zip(parts(noise), parts(drawn), strict=True)
    return float(torch.cat([(n - x0).flatten() for n, x0 in pairs]).std())


results: dict[str, Any] = {}
for kind, (_, empty) in KINDS.items():
    drawn, report = ours(kind, empty)
    again = core(kind, empty)
    interval, calls = ours(kind, empty, start=0.2, end=0.6)
    results[kind] = {
        "shapes": [list(part.shape) for part in parts(drawn)],
        "core": difference(drawn, again),
        "own guider": difference(ours(kind, empty, end=0.99)[0], again),
        "denoise": difference(ours(kind, again, 0.6)[0], core(kind, again, 0.6)),
        # Core's KSampler cannot continue a nested latent: its zero noise has another shape.
        "interval": None
        if empty.is_nested
        else difference(interval, in_stages(kind, empty, [1, 4, 4, 1, 1])),
        "interval beside full": difference(interval, again),
        "calls": calls.splitlines()[4],
        "sigmas": report.splitlines()[1],
    }
spreads = {
    "guided": velocity_spread("nested"),
    "rescaled": velocity_spread("nested", rescale=1.0),
    "positive": velocity_spread("nested", cfg=1.0),
}
print(json.dumps(results | {"spreads": spreads}))
