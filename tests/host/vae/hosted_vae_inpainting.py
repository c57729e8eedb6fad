"""The VAE nodes with masks and originals; part of hosted_vae.py."""

from __future__ import annotations

from typing import Any

import torch

import nodes as core
from tests.host.raised import raised
from tests.host.vae.vae_tools import decoded, encoded, new_vae, normal, picture


def inpainting() -> dict[str, Any]:
    vae = new_vae()
    pixels = picture(2, 67, 100, 3)
    mask = torch.zeros(1, 67, 100)
    mask[:, 20:50, 40:70] = picture(1, 30, 30, seed=5)
    mask[:, 30:40, 50:60] = 1
    latent, report = encoded(vae, pixels, mask=mask)
    set_mask = core.SetLatentNoiseMask().set_mask({"samples": latent["samples"]}, mask)[0]
    found: dict[str, Any] = {
        "samples": torch.equal(latent["samples"], vae.encode(pixels)),
        "mask": torch.equal(latent["noise_mask"], set_mask["noise_mask"][..., 1:65, 2:98]),
        "report": report,
    }
    changed = {**latent, "samples": latent["samples"] + 0.3}
    plain, _ = decoded(vae, changed["samples"])
    image, report = decoded(vae, changed, original=pixels)
    cut, soft = pixels[:, 1:65, 2:98], mask[0, 1:65, 2:98, None]
    kept = soft[..., 0] == 0
    found["kept"] = torch.equal(image[:, kept], cut[:, kept])
    found["redrawn"] = torch.equal(image[:, soft[..., 0] == 1], plain[:, soft[..., 0] == 1])
    found["blend"] = (image - (cut * (1 - soft) + plain * soft)).abs().max().item()
    found["changed"] = (image - cut).abs().max().item()
    found["decode report"] = report
    whole_mask = {**changed, "noise_mask": set_mask["noise_mask"]}
    found["uncut mask"] = torch.equal(decoded(vae, whole_mask, original=pixels)[0], image)
    # As from SetLatentNoiseMask in front of an upscale: scaled as the sampler scales it.
    low = {**changed, "noise_mask": latent["noise_mask"][..., ::2, ::2]}
    scaled = torch.nn.functional.interpolate(low["noise_mask"], size=(64, 96), mode="bilinear")
    image, found["scaled report"] = decoded(vae, low, original=cut)
    found["scaled mask"] = torch.equal(image[:, scaled[0, 0] == 0], cut[:, scaled[0, 0] == 0])

    square = picture(1, 64, 64, 3)
    dot = torch.zeros(1, 64, 64)
    dot[0, 32, 32] = 0.5
    latent, report = encoded(vae, square, mask=dot, mask_grow=3)
    expected = torch.zeros(64, 64)
    expected[29:36, 29:36] = 0.5
    found["grown"] = torch.equal(latent["noise_mask"][0, 0], expected)
    found["grown report"] = report
    found["empty report"] = encoded(vae, square, mask=torch.zeros(1, 64, 64))[1]

    grey = square.clone()
    grey[:, :, 32:] = 0.5
    half = torch.zeros(1, 64, 64)
    half[:, :, 32:] = 1
    untouched = grey.clone()
    latent, report = encoded(vae, grey, mask=half, fill="surroundings")
    found["inputs untouched"] = torch.equal(grey, untouched)
    found["fill report"] = report

    def problem(**changes: Any) -> str:
        inputs = {"pixels": square, "mask": dot, **changes}
        return raised(lambda: encoded(vae, **inputs))

    wide = new_vae()
    wide.output_channels = 4
    found["problems"] = {
        "size": problem(mask=torch.ones(1, 64, 32)),
        "no alpha": problem(pixels=picture(1, 96, 96, 3), mask=torch.zeros(1, 64, 64)),
        "batch": problem(pixels=picture(2, 64, 64, 3), mask=torch.ones(3, 64, 64)),
        "all masked": problem(mask=torch.ones(1, 64, 64), fill="surroundings"),
        "fill": problem(fill="grey"),
        "one channel": problem(pixels=picture(1, 64, 64, 1)),
        "rgba vae": raised(lambda: encoded(wide, square)),
        "tiny": problem(pixels=picture(1, 7, 64, 3)),
        "shape": problem(pixels=picture(64, 64, 3)),
    }

    def decode_problem(original: torch.Tensor, noise_mask: Any = None, batch: int = 1) -> str:
        latent = {"samples": normal(batch, 4, 8, 8)}
        if noise_mask is not None:
            latent["noise_mask"] = noise_mask
        return raised(lambda: decoded(vae, latent, original=original))

    one = torch.ones(1, 1, 64, 64)
    found["decode problems"] = {
        "no mask": decode_problem(square),
        "size": decode_problem(picture(1, 128, 64, 3), one),
        "batch": decode_problem(picture(3, 64, 64, 3), one, batch=2),
        "masks": decode_problem(square, torch.ones(3, 1, 64, 64), batch=2),
        "channels": decode_problem(picture(1, 64, 64, 1), one),
    }
    return found
