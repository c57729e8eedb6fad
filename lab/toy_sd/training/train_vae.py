"""First stage: the autoencoder learns the drawings; latents get mean 0 and deviation 1."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from ..model.autoencoder import Autoencoder
from .optimizer_steps import Curve, as_batch, learning_rate, mixed_precision, step_generator
from .toy_sd_recipe import Recipe
from .toy_sd_state import keep, resume, write

log = logging.getLogger("tipo-suite")

# Standard deviation of the noise on latents in training, because sampled latents are not exact.
_LATENT_NOISE = 0.05
# Weights of the loss terms; the mean absolute error has weight 1.
_MOMENTS = 0.1
_EDGES = 0.5
_SQUARES = 4.0


def picture_loss(drawn: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """Return the error of colours and, for lines, of differences between neighbouring pixels.

    The squared error keeps small bright parts, such as a thin ring; the mean absolute error alone
    is lowest without them.
    """
    error = drawn - pictures
    edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    return error.abs().mean() + _SQUARES * error.pow(2).mean() + _EDGES * edges


def moment_loss(latents: torch.Tensor) -> torch.Tensor:
    """Return how far the channels are from mean 0 and standard deviation 1 over a batch."""
    channels = latents.transpose(0, 1).flatten(1)
    return (channels.mean(1).pow(2) + (channels.std(1) - 1).pow(2)).mean()


def train_vae(drawn: np.ndarray, out: Path, recipe: Recipe, device: torch.device) -> Autoencoder:
    """Train on pictures `N, H, W, 3`, write `vae.safetensors` and return the autoencoder."""
    torch.manual_seed(recipe.seed)
    vae = Autoencoder(recipe.vae_width).to(device)
    vae.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster
    optimizer = torch.optim.AdamW(vae.parameters(), betas=(0.9, 0.99), weight_decay=0.0)
    modules = {"vae": vae}
    first = resume(out / "vae-progress.safetensors", modules, optimizer)
    curve = Curve(out / "vae.csv", ("loss", "l1", "samples_per_second"), fresh=first == 0)
    started, seen = time.monotonic(), 0
    for step in range(first, recipe.vae_steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe.vae_rate, step, recipe.vae_steps, recipe)
        generator = step_generator(recipe.seed, "vae", step)
        rows = torch.randint(len(drawn), (recipe.vae_batch,), generator=generator)
        pictures = as_batch(drawn, rows, device)
        with mixed_precision(device, recipe):
            latents = vae.encode(pictures).float()
            off = torch.randn(latents.shape, generator=generator).to(device) * _LATENT_NOISE
            decoded = vae.decode(latents + off).float()
        loss = picture_loss(decoded, pictures) + _MOMENTS * moment_loss(latents)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        seen += len(rows)
        curve.add(loss.item(), functional.l1_loss(decoded, pictures).item())
        last = step + 1 == recipe.vae_steps
        if (step + 1) % recipe.log_every == 0 or last:
            curve.write(step + 1, seen / (time.monotonic() - started))
        if (step + 1) % recipe.keep_every == 0 or last:
            keep(out / "vae-progress.safetensors", modules, optimizer, step + 1)
    write(vae.state_dict(), out / "vae.safetensors")
    return vae.eval().requires_grad_(False)


@torch.no_grad()
def latents_of(
    drawn: np.ndarray, vae: Autoencoder, device: torch.device, batch: int = 64
) -> torch.Tensor:
    """Return the latents of pictures `N, H, W, 3`: `N, 4, H/8, W/8` in fp16, in main memory."""
    parts = [
        vae.encode(as_batch(drawn, torch.arange(n, min(n + batch, len(drawn))), device))
        .half()
        .cpu()
        for n in range(0, len(drawn), batch)
    ]
    latents = torch.cat(parts)
    log.info(
        "latents: mean %s, standard deviation %s",
        [round(v, 2) for v in latents.float().mean((0, 2, 3)).tolist()],
        [round(v, 2) for v in latents.float().std((0, 2, 3)).tolist()],
    )
    return latents
