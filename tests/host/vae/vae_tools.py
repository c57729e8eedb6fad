"""VAEs, inputs and reports for the hosted_vae scripts, inside ComfyUI's own Python.

`sys.argv[1]` is a file of linear_vae.py's weights.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import comfy.sd
import comfy.utils
import torch

import nodes as core

decode_node = importlib.import_module("pack.nodes.vae.vae_decode").TipoVaeDecode
encode_node = importlib.import_module("pack.nodes.vae.vae_encode").TipoVaeEncode

WEIGHTS = {key: value.float() for key, value in comfy.utils.load_torch_file(sys.argv[1]).items()}
CPU = torch.device("cpu")
OUT_OF_MEMORY = "CUDA out of memory. Tried to allocate 2.00 GiB"


def new_vae(weights: dict[str, Any] | None = None, dtype: Any = torch.float32) -> Any:
    return comfy.sd.VAE(sd=dict(weights or WEIGHTS), dtype=dtype)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def picture(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def smooth(batch: int, side: int) -> torch.Tensor:
    """A latent that changes slowly, as those of pictures do."""
    small = normal(batch, 4, 6, 6)
    return torch.nn.functional.interpolate(small, size=(side, side), mode="bicubic")


def decoded(vae: Any, samples: Any, **inputs: Any) -> tuple[torch.Tensor, list[str]]:
    """The picture and the report without shapes and seconds."""
    latent = samples if isinstance(samples, dict) else {"samples": samples}
    image, report = decode_node.execute(latent, vae, **inputs).args
    return image, without_time(report)


def encoded(vae: Any, pixels: torch.Tensor, **inputs: Any) -> tuple[dict[str, Any], list[str]]:
    latent, report = encode_node.execute(pixels, vae, **inputs).args
    return latent, without_time(report)


def without_time(report: str) -> list[str]:
    lines = report.split("\n")
    return [*lines[:-1], lines[-1].rpartition(",")[0]]


def as_core(vae: Any, samples: torch.Tensor) -> torch.Tensor:
    image: torch.Tensor = core.VAEDecode().decode(vae, {"samples": samples})[0]
    return image


def state_of(vae: Any) -> tuple[Any, ...]:
    weights = vae.first_stage_model.state_dict().values()
    # Not their addresses: newer cores copy a weight to the compute device.
    return (dict(vars(vae)), [(w.dtype, w.device, w.double().sum().item()) for w in weights])
