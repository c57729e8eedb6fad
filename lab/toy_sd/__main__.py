"""python -m lab.toy_sd: train toy-sd, all of it or what is left of it.

The defaults made the weights that ship, in some minutes of a GPU. Without one, two styles at 64
pixels, in some hours of two cores:

    python -m lab.toy_sd --out RUN --tokenizer ComfyUI/comfy/sd1_tokenizer
        --side 64 --styles "landscape, planet" --drawings 6000 --prompts 2
        --vae-steps 3600 --vae-batch 8 --vae-rate 8e-4
        --steps 9000 --batch 16 --rate 4e-4 --warmup 200 --floor 0.25
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from .commands import add_tokenizer
from .drawings.drawings import HELD_OUT_SHARE
from .drawings.picture_store import pictures
from .drawings.text_encodings import TextEncodings
from .model.clip_model import clip_tokenizer
from .model.packing import packed
from .training.sample_grid import SampleGrid
from .training.toy_sd_recipe import Recipe
from .training.toy_sd_state import same_recipe
from .training.train_unet import WEIGHTS, train_unet
from .training.train_vae import latents_of, train_vae

PACKED = "toy-sd-packed.safetensors"


def train(out: Path, tokenizer_folder: Path, recipe: Recipe) -> None:
    """Train both stages in `out` and pack the weights; a run that was stopped goes on."""
    tokenizer = clip_tokenizer(tokenizer_folder)
    out.mkdir(parents=True, exist_ok=True)
    same_recipe(out / "recipe.json", asdict(recipe))
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    torch.set_float32_matmul_precision("high")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    how = (recipe.side, recipe.style_names, recipe.workers)
    drawn = pictures(out / "pictures.npy", recipe.drawings, *how)
    # No text tells the autoencoder what belongs together: it is to know all drawings alike.
    held_out = pictures(out / "held-out.npy", recipe.drawings // HELD_OUT_SHARE, *how, test=True)
    vae = train_vae(np.concatenate([drawn, held_out]), out, recipe, device)
    latents = latents_of(drawn, vae, device)
    texts = TextEncodings(tokenizer, device, keep=recipe.prompts > 0)
    look = SampleGrid(vae, texts, out, recipe)
    train_unet(latents, vae, texts, out, recipe, device, look)
    save_file(packed(load_file(out / WEIGHTS)), out / PACKED)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.toy_sd",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    add_tokenizer(parser)
    for entry in fields(Recipe):
        kind = type(entry.default)
        option = f"--{entry.name.replace('_', '-')}"
        parser.add_argument(option, type=kind, default=entry.default, help="(%(default)s)")
    arguments = vars(parser.parse_args())
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    train(arguments.pop("out"), arguments.pop("tokenizer"), Recipe(**arguments))


if __name__ == "__main__":
    main()
