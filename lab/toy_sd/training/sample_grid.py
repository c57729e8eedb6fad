"""A grid of pictures from held-out prompts, each below the drawing of its prompt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..drawings.drawings import picture, scene, tag_prompt
from ..drawings.text_encodings import TextEncodings
from ..model.autoencoder import Autoencoder
from ..model.diffusion import ddim, guided, signal_shares
from ..model.unet import UNet
from .toy_sd_recipe import Recipe

COLUMNS = 8
_FIRST_SEED = 1_000_000  # far from the seeds of the training


class SampleGrid:
    """Draws the same prompts from the same noise at several steps of a training."""

    def __init__(self, vae: Autoencoder, texts: TextEncodings, out: Path, recipe: Recipe) -> None:
        """Choose the scenes and write `samples/prompts.txt`."""
        self._vae, self._texts, self._recipe = vae, texts, recipe
        self._folder = out / "samples"
        self._folder.mkdir(exist_ok=True)
        names = recipe.style_names
        self._scenes = [
            scene(_FIRST_SEED + n, [names[n % len(names)]], test=True) for n in range(COLUMNS)
        ]
        self._prompts = [tag_prompt(of, all_parts=True).text for of in self._scenes]
        (self._folder / "prompts.txt").write_text("\n".join(self._prompts) + "\n", "utf-8")

    def __call__(self, unet: UNet, step: int) -> Path:
        """Write a grid of two rows, drawings and model pictures; return its path."""
        recipe, device = self._recipe, next(unet.parameters()).device
        positive = self._texts(self._prompts)
        negative = self._texts([""]).expand_as(positive)
        generator = torch.Generator().manual_seed(recipe.seed)
        size = recipe.side // 8
        noise = torch.randn(len(self._prompts), 4, size, size, generator=generator).to(device)
        predict = guided(unet, positive, negative, recipe.cfg)
        with torch.no_grad():
            latents = ddim(predict, noise, recipe.grid_steps, signal_shares().to(device))
            drawn = self._vae.decode(latents).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
        meant = [picture(of, recipe.side) for of in self._scenes]
        rows = [np.concatenate(row, 1) for row in (meant, (drawn * 255).round().astype(np.uint8))]
        path = self._folder / f"step-{step:06}.png"
        Image.fromarray(np.concatenate(rows)).save(path)
        return path
