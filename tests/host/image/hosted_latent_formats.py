"""TipoSampler compared with core's common_ksampler on every latent format of the host.

Run by test_latent_formats.py (see inside.py); prints the differences as JSON. The model is one of a
few lines: the tests compare how the sampler handles the latent.
"""

from __future__ import annotations

import importlib
import inspect
import json
from typing import Any, ClassVar

import comfy.cli_args
import comfy.latent_formats
import comfy.model_base
import comfy.model_patcher
import comfy.supported_models_base
import torch

import nodes
from tests.host.image.small_model import SmallModel

sampling = importlib.import_module("pack.nodes.image.sampler")
guidance = importlib.import_module("pack.tipo_core.pictures.sampling.guidance")
CPU = torch.device("cpu")
STEPS, CFG, SEED = 3, 4.0, 11


def model_of(latent_format: type) -> Any:
    class Config(comfy.supported_models_base.BASE):
        unet_config: ClassVar[dict[str, Any]] = {}

    Config.latent_format = latent_format
    config = Config({})
    config.set_inference_dtype(torch.float32, torch.float32)
    flow = comfy.model_base.ModelType.FLOW
    model = comfy.model_base.BaseModel(config, flow, unet_model=SmallModel)
    return comfy.model_patcher.ModelPatcher(model, CPU, CPU)


def conditioning(seed: int) -> Any:
    generator = torch.Generator().manual_seed(seed)
    return [[torch.randn(1, 6, 8, generator=generator), {}]]


POSITIVE, NEGATIVE = conditioning(1), conditioning(2)


def latents_of(latent_format: Any) -> dict[str, dict[str, Any]]:
    """An empty latent of core's own node, and one of the format's shape, with a key of its own."""
    sizes = {1: [40], 2: [8, 12], 3: [3, 8, 12]}[latent_format.latent_dimensions]
    shape = [2, latent_format.latent_channels, *sizes]
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    empty = nodes.EmptyLatentImage().generate(64, 96, 2)[0]
    return {
        "empty image": empty,
        "empty": {"samples": torch.zeros(shape), "kept": "yes"},
        "drawn": {"samples": drawn, "batch_index": [1, 4], "kept": "yes"},
        "masked": {"samples": drawn, "noise_mask": torch.ones(1, 1, 8, 12), "kept": "yes"},
    }


def core(model: Any, latent: dict[str, Any], denoise: float) -> dict[str, Any]:
    given = (model, SEED, STEPS, CFG, "euler", "simple", POSITIVE, NEGATIVE, dict(latent))
    return nodes.common_ksampler(*given, denoise=denoise)[0]


def ours(model: Any, latent: dict[str, Any], denoise: float, **guided: Any) -> dict[str, Any]:
    settings = sampling.Settings(SEED, STEPS, "euler", "simple", denoise, "run all steps")
    before = dict(latent)
    result, _ = sampling.sample(
        model, POSITIVE, NEGATIVE, latent, settings, guidance.Guidance(CFG, **guided), 0.0
    )
    assert latent == before, "the latent that was given has changed"
    return result


def outcome(run: Any, *given: Any, **named: Any) -> Any:
    """Shape, dtype, bits and keys of a result, or the type of its error."""
    try:
        result = run(*given, **named)
    except Exception as error:  # core itself cannot sample some of them, e.g. pictures as sound
        return type(error).__name__
    samples = result["samples"]
    parts = samples.unbind() if samples.is_nested else [samples]
    bits = [one.contiguous().view(torch.uint8).numpy().tobytes() for one in parts]
    shapes = [list(one.shape) for one in parts]
    return [shapes, sorted({str(one.dtype) for one in parts}), bits, sorted(result)]


def differences(name: str, latent_format: type) -> dict[str, Any]:
    model = model_of(latent_format)
    found: dict[str, Any] = {"sampled": [], "unlike": []}
    for kind, latent in latents_of(latent_format()).items():
        for denoise in (1.0, 0.5, 0.0):
            wanted = outcome(core, model, latent, denoise)
            if not isinstance(wanted, str):
                found["sampled"].append([kind, denoise, *wanted[:2], wanted[3]])
            for way, guided in (("one cfg", {}), ("schedule", {"end": 0.99})):
                if outcome(ours, model, latent, denoise, **guided) != wanted:
                    found["unlike"].append([kind, denoise, way])
    return found


def all_formats() -> dict[str, Any]:
    return {
        name: differences(name, kind)
        for name, kind in inspect.getmembers(comfy.latent_formats, inspect.isclass)
        if issubclass(kind, comfy.latent_formats.LatentFormat)
    }


results = {"usual": all_formats()}
if hasattr(comfy.cli_args.args, "fp16_intermediates"):
    comfy.cli_args.args.fp16_intermediates = True
    results["fp16 intermediates"] = all_formats()
print(json.dumps(results))
