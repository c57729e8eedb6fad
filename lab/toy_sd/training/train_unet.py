"""Second stage: the UNet learns to predict the noise on latents of drawings from prompts."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn

from ..drawings.drawings import scene
from ..drawings.text_encodings import TextEncodings, wording
from ..model.autoencoder import Autoencoder
from ..model.checkpoint import trained
from ..model.diffusion import TIMESTEPS, loss_weights, noise_loss, signal_shares
from ..model.unet import UNet, start
from .optimizer_steps import Curve, learning_rate, mixed_precision, step_generator, step_seed
from .toy_sd_recipe import Recipe
from .toy_sd_state import keep, resume, write

WEIGHTS = "toy-sd.safetensors"


@torch.no_grad()
def follow(mean: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Update the exponential moving average of the weights; the first steps use a lower decay."""
    decay = min(decay, (1 + step) / (10 + step))
    for slow, quick in zip(mean.parameters(), model.parameters(), strict=True):
        slow.lerp_(quick, 1 - decay)


def train_unet(
    latents: torch.Tensor,
    vae: Autoencoder,
    texts: TextEncodings,
    out: Path,
    recipe: Recipe,
    device: torch.device,
    look: Callable[[UNet, int], object],
) -> UNet:
    """Train on latents `N, 4, h, w` of the scenes of seeds 0..N-1; return the mean of the weights.

    Writes `toy-sd.safetensors` (UNet and autoencoder in fp16); `look(unet, step)` draws samples.
    """
    torch.manual_seed(recipe.seed)
    unet = UNet(recipe.width).to(device)
    start(unet)
    mean = copy.deepcopy(unet).requires_grad_(False).eval()
    optimizer = torch.optim.AdamW(
        unet.parameters(), betas=(0.9, 0.99), weight_decay=recipe.weight_decay
    )
    modules = {"unet": unet, "mean": mean}
    first = resume(out / "unet-progress.safetensors", modules, optimizer)
    curve = Curve(out / "unet.csv", ("loss", "samples_per_second"), fresh=first == 0)
    shares = signal_shares().to(device)
    weights = loss_weights(shares, recipe.gamma, recipe.floor)
    started, seen = time.monotonic(), 0
    for step in range(first, recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe.rate, step, recipe.steps, recipe)
        generator = step_generator(recipe.seed, "unet", step)
        rng = random.Random(step_seed(recipe.seed, "words", step))
        rows = torch.randint(len(latents), (recipe.batch,), generator=generator)
        clean = latents[rows].to(device).float()
        noise = torch.randn(clean.shape, generator=generator).to(device)
        timesteps = torch.randint(TIMESTEPS, (recipe.batch,), generator=generator).to(device)
        scenes = [scene(row, recipe.style_names) for row in rows.tolist()]
        words = [wording(of, rng, recipe.prompts, recipe.drop_text) for of in scenes]

        with mixed_precision(device, recipe):
            context = texts(words)
            predict = partial(unet, context=context)
            loss = noise_loss(predict, clean, noise, timesteps, shares, weights)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step()
        follow(mean, unet, recipe.ema, step)
        seen += recipe.batch
        curve.add(loss.item())
        last = step + 1 == recipe.steps
        if (step + 1) % recipe.log_every == 0 or last:
            curve.write(step + 1, seen / (time.monotonic() - started))
        if (step + 1) % recipe.keep_every == 0 or last:
            keep(out / "unet-progress.safetensors", modules, optimizer, step + 1)
            write(trained(mean, vae), out / WEIGHTS)
        if (step + 1) % recipe.grid_every == 0 or last:
            look(mean, step + 1)
    return mean
