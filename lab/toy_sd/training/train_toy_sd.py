"""Train toy-sd: draw the pictures, train autoencoder and UNet, pack the weights."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from ..drawings.drawings import HELD_OUT_SHARE
from ..drawings.picture_store import pictures
from ..drawings.text_encodings import TextEncodings
from ..model.clip_model import clip_tokenizer
from ..model.packing import packed
from .sample_grid import SampleGrid
from .toy_sd_recipe import Recipe
from .toy_sd_state import same_recipe
from .train_unet import WEIGHTS, train_unet
from .train_vae import latents_of, train_vae

PACKED = "toy-sd-packed.safetensors"


def train_toy_sd(out: Path, tokenizer_folder: Path, recipe: Recipe) -> None:
    """Train both stages in the folder `out` and pack the weights; a stopped run continues.

    `tokenizer_folder` holds CLIP's vocab.json and merges.txt. Raises ValueError if `out` holds a
    run with another recipe.
    """
    tokenizer = clip_tokenizer(tokenizer_folder)
    out.mkdir(parents=True, exist_ok=True)
    same_recipe(out / "recipe.json", asdict(recipe))
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    torch.set_float32_matmul_precision("high")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    how = (recipe.side, recipe.style_names, recipe.workers)
    drawn = pictures(out / "pictures.npy", recipe.drawings, *how)
    # The autoencoder sees no prompts, so it can learn the held-out drawings too.
    held_out = pictures(out / "held-out.npy", recipe.drawings // HELD_OUT_SHARE, *how, test=True)
    vae = train_vae(np.concatenate([drawn, held_out]), out, recipe, device)
    latents = latents_of(drawn, vae, device)
    texts = TextEncodings(tokenizer, device, keep=recipe.prompts > 0)
    grid = SampleGrid(vae, texts, out, recipe)
    train_unet(latents, vae, texts, out, recipe, device, grid)
    save_file(packed(load_file(out / WEIGHTS)), out / PACKED)
