"""nodes/vae/vae_fp32.py inside ComfyUI: VAEs built again; prints the results as JSON.

Run by test_vae_fp32.py (see inside.py).
"""

from __future__ import annotations

import copy
import importlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import comfy.ldm.audio.autoencoder
import comfy.ldm.models.autoencoder as autoencoder
import comfy.model_management as management
import comfy.sd
import comfy.taesd.taehv
import torch

from tests.host.vae.kl_config import kl_config

vae_fp32 = importlib.import_module("pack.nodes.vae.vae_fp32")
ordinary_layers = importlib.import_module("pack.devkit.server.dynamic_vram").ordinary_layers
CPU = torch.device("cpu")
REGULARIZER = "comfy.ldm.models.autoencoder.DiagonalGaussianRegularizer"


class Native:
    """A double of DynamicVRAM's pins and pages: a copy would free the same memory twice."""

    def __deepcopy__(self, memo: Any) -> Any:
        raise AssertionError("a handle of the host was deep-copied")

    __copy__ = __reduce_ex__ = __deepcopy__


def is_dynamic(vae: Any) -> bool:
    return bool(getattr(vae.patcher, "is_dynamic", bool)())


def kl(channels: int, *, is_plain: bool = False) -> dict[str, torch.Tensor]:
    """Weights of an SD-like VAE, in fp16; `is_plain` without the quantisation layers (Flux)."""
    settings = kl_config(channels, dropout=0.0)
    with torch.device("meta"), ordinary_layers():
        if is_plain:
            part = "comfy.ldm.modules.diffusionmodules.model."
            model = autoencoder.AutoencodingEngine(
                regularizer_config={"target": REGULARIZER},
                encoder_config={"target": part + "Encoder", "params": settings},
                decoder_config={"target": part + "Decoder", "params": settings},
            )
        else:
            model = autoencoder.AutoencoderKL(ddconfig=settings, embed_dim=channels)
    return random_weights(model)


def random_weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(one.shape, generator=generator, dtype=torch.float32).half() * 0.02
        for name, one in model.state_dict().items()
    }


@contextmanager
def handled(vae: Any) -> Iterator[None]:
    """Hang such handles on a VAE's model for a while, where its patcher has not done so."""
    model = vae.first_stage_model
    first = next(module for module in model.modules() if module._parameters)
    wanted = [(model, "dynamic_pins"), (model, "dynamic_vbars"), (first, "_v"), (first, "_pins")]
    made = [(owner, name) for owner, name in wanted if not hasattr(owner, name)]
    for owner, name in made:
        setattr(owner, name, {CPU: Native()} if owner is model else Native())
    yield
    for owner, name in made:
        delattr(owner, name)


def again(sd: dict[str, torch.Tensor], dtype: torch.dtype) -> dict[str, Any]:
    """Build a VAE again, compare the weights, and look for shared memory."""
    vae = comfy.sd.VAE(sd=sd, dtype=dtype)
    live = vae.first_stage_model.state_dict()
    before = {name: weight.clone() for name, weight in live.items()}
    notes = set(vars(vae.first_stage_model))
    with handled(vae), vae_fp32.in_fp32(vae, lambda: None) as precise:
        state = precise.first_stage_model.state_dict()
        found = {
            "dynamic": is_dynamic(vae),
            "kind": type(precise.first_stage_model).__name__,
            "dtypes": sorted({str(one.dtype) for one in state.values()}),
            "weights": all(torch.equal(one, before[name].float()) for name, one in state.items()),
            "shared": sorted(
                name
                for name, one in state.items()
                if one.untyped_storage().data_ptr() == live[name].untyped_storage().data_ptr()
            ),
            "own patcher": precise.patcher is not vae.patcher
            and precise.patcher.patches is not vae.patcher.patches
            and precise.patcher.model is precise.first_stage_model,
            "handles": [
                name
                for name in ("dynamic_pins", "dynamic_vbars")
                if getattr(precise.patcher.model, name, None)
                is getattr(vae.first_stage_model, name)
            ],
        }
    found["untouched"] = notes == set(vars(vae.first_stage_model)) and all(
        torch.equal(one, before[name]) for name, one in vae.first_stage_model.state_dict().items()
    )
    return found


def said(vae: Any) -> str:
    try:
        with vae_fp32.in_fp32(vae, lambda: None):
            return ""
    except ValueError as error:
        return str(error)


def video() -> dict[str, Any]:
    """ComfyUI distinguishes taehv and lighttaew, two video VAEs, only by the dtype of the file."""
    with torch.device("meta"), ordinary_layers():
        model = comfy.taesd.taehv.TAEHV(latent_channels=16)
    sd = random_weights(model)
    return {
        "dynamic": is_dynamic(comfy.sd.VAE(sd=dict(sd))),
        "as stored": said(comfy.sd.VAE(sd=dict(sd), dtype=torch.float16)),
        "cast": said(comfy.sd.VAE(sd=dict(sd), dtype=torch.bfloat16)),
    }


def patched() -> dict[str, Any]:
    """A patch on a weight counts once, whether the model is loaded with it or not."""
    sd = kl(4)
    name = "decoder.conv_in.bias"
    nothing = torch.zeros(1, 4, 8, 8)
    vae = comfy.sd.VAE(sd=dict(sd), dtype=torch.float16)
    vae.patcher.add_patches({name: ("diff", (torch.full_like(sd[name], 0.5),))})
    wanted = sd[name].float() + 0.5
    results = []
    for is_loaded in (False, True):
        if is_loaded:
            management.load_models_gpu([vae.patcher])
        with vae_fp32.in_fp32(vae, lambda: None) as precise:
            management.load_models_gpu([precise.patcher])
            bias = precise.first_stage_model.decoder.conv_in(nothing)[0, :, 0, 0]
            results.append((bias - wanted).abs().max().item())
            lists = [len(one.patcher.patches[name]) for one in (vae, precise)]
    return {"differences": results, "lists": lists, "dynamic": is_dynamic(vae)}


def sound() -> str:
    """Weight normalisation makes a class of its own for each module."""
    with ordinary_layers():
        sd = random_weights(comfy.ldm.audio.autoencoder.AudioOobleckVAE())
    return said(comfy.sd.VAE(sd=sd, dtype=torch.float16))


def described_by_metadata() -> str:
    """Core's constructor fails where weights alone describe another model."""
    vae = comfy.sd.VAE(sd=kl(4), dtype=torch.float16)
    own = comfy.sd.VAE

    def failing(**given: Any) -> Any:
        raise RuntimeError("Error(s) in loading state_dict for VideoVAE: size mismatch")

    comfy.sd.VAE = failing
    try:
        return said(vae)
    finally:
        comfy.sd.VAE = own


def unlike() -> str:
    """A VAE that differs in a setting which its weights do not tell."""
    vae = comfy.sd.VAE(sd=kl(4), dtype=torch.float16)
    other = copy.copy(vae)
    other.latent_dim = 3
    return said(other)


print(
    json.dumps(
        {
            "kl": again(kl(4), torch.float16),
            "flux": again(kl(16, is_plain=True), torch.bfloat16),
            "video": video(),
            "patched": patched(),
            "sound": sound(),
            "metadata": described_by_metadata(),
            "unlike": unlike(),
        }
    )
)
