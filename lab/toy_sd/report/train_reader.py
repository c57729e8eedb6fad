"""Train the reader that checks toy-sd's pictures."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional

from ..drawings.drawings import Scene, picture, scene
from ..drawings.styles import STYLES
from ..model.autoencoder import Autoencoder
from ..model.checkpoint import open_trained
from ..training.optimizer_steps import step_generator
from ..training.toy_sd_recipe import Recipe
from .reader import NOT_THERE, Head, Reader, heads_of, save, targets

log = logging.getLogger("tipo-suite")

REPORT = "report.json"
# Seeds far from those of toy-sd's training and of its measured pictures.
_FIRST_SEED = 2_000_000
_FIRST_UNSEEN = 3_000_000
# Standard deviation of the noise on latents.
_LATENT_NOISE = 0.1
# Training pictures are shifted by up to this many pixels.
_MOVED = 2


@dataclass(frozen=True)
class Training:
    """The numbers of a reader's training.

    `round_trips` of the `drawings` are also learned as the autoencoder decodes them. `unseen`
    drawings measure the reader.
    """

    drawings: int = 6000
    round_trips: int = 6000
    unseen: int = 800
    steps: int = 1800
    batch: int = 64
    rate: float = 2e-3
    width: int = 32
    seed: int = 20261125


@dataclass(frozen=True)
class Drawn:
    """Pictures `N, 3, H, W` in uint8 and the right answers, `N, questions`."""

    pictures: torch.Tensor
    words: torch.Tensor


def drawn(heads: Sequence[Head], first: int, count: int, side: int) -> Drawn:
    """Return `count` drawings from seed `first` on; every second one is held out from toy-sd."""
    styles = heads[0].words
    scenes: list[Scene] = [scene(first + n, styles, test=n % 2 == 1) for n in range(count)]
    pictures = np.stack([picture(of, side) for of in scenes])
    words = targets(heads, [(of.style, of.attributes) for of in scenes])
    return Drawn(torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous(), words)


@torch.no_grad()
def round_trip(
    pictures: torch.Tensor, vae: Autoencoder, noise: float, seed: int, batch: int = 32
) -> torch.Tensor:
    """Return pictures `N, 3, H, W` (uint8), encoded, with noise (std) on the latents, decoded."""
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for some in pictures.split(batch):
        with torch.autocast("cpu", torch.bfloat16):
            latents = vae.encode(some.float() / 255).float()
            latents += noise * torch.randn(latents.shape, generator=generator)
            decoded = vae.decode(latents).float()
        parts.append((decoded.clamp(0, 1) * 255).round().byte())
    return torch.cat(parts)


def disturbed(pictures: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return pictures `B, 3, H, W` in 0..1 with a little shift, blur, colour change and noise."""
    side = pictures.shape[-1]
    padded = functional.pad(pictures, [_MOVED] * 4, mode="replicate")
    down, across = torch.randint(2 * _MOVED + 1, (2,), generator=generator).tolist()
    moved = padded[:, :, down : down + side, across : across + side]
    near = functional.avg_pool2d(functional.pad(moved, [1] * 4, mode="replicate"), 3, stride=1)

    def amounts(channels: int, most: float) -> torch.Tensor:
        return most * torch.rand(len(pictures), channels, 1, 1, generator=generator)

    x = torch.lerp(moved, near, amounts(1, 1.0))
    x = x * (0.96 + amounts(3, 0.08)) + amounts(3, 0.04) - 0.02
    x = x + amounts(1, 0.05) * torch.randn(x.shape, generator=generator)
    return x.clamp(0, 1)


def train(reader: Reader, seen: Drawn, training: Training) -> None:
    """Train on random pictures of `seen`, disturbed anew at each step."""
    torch.manual_seed(training.seed)
    optimizer = torch.optim.AdamW(reader.parameters(), lr=training.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, training.rate, training.steps)
    reader.train()
    for step in range(training.steps):
        generator = step_generator(training.seed, "reader", step)
        rows = torch.randint(len(seen.words), (training.batch,), generator=generator)
        pictures = disturbed(seen.pictures[rows].float() / 255, generator)
        with torch.autocast("cpu", torch.bfloat16):
            logits = reader(pictures)
        right = seen.words[rows]
        loss = torch.stack(
            [
                functional.cross_entropy(one.float(), right[:, n], ignore_index=NOT_THERE)
                for n, one in enumerate(logits)
                if (right[:, n] != NOT_THERE).any()
            ]
        ).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 100 == 0:
            log.info("reader step %d  loss %.3f", step + 1, loss.item())
    reader.eval()


@torch.no_grad()
def accuracies(reader: Reader, unseen: Drawn, batch: int = 64) -> dict[str, float]:
    """Return the share of right answers by question, over the pictures that have the part."""
    found = [
        torch.stack([logits.argmax(1) for logits in reader(some.float() / 255)], 1)
        for some in unseen.pictures.split(batch)
    ]
    right = torch.cat(found) == unseen.words
    there = unseen.words != NOT_THERE
    return {
        head.name: right[there[:, n], n].float().mean().item()
        for n, head in enumerate(reader.heads)
        if there[:, n].any()
    }


def with_mean(by_question: dict[str, float]) -> dict[str, Any]:
    """Return the accuracies, and their mean over the parts (without the style)."""
    parts = [share for name, share in by_question.items() if "/" in name]
    rounded = {name: round(share, 4) for name, share in by_question.items()}
    return {"mean": round(sum(parts) / len(parts), 4), "by_part": rounded}


def make_reader(
    out: Path, styles: Sequence[str], side: int, vae: Autoencoder | None, training: Training
) -> dict[str, Any]:
    """Train a reader, write it with its report into `out` and return the report."""
    started = time.monotonic()
    heads = heads_of(styles)
    seen = drawn(heads, _FIRST_SEED, training.drawings, side)
    log.info("%d drawings in %.0f s", training.drawings, time.monotonic() - started)
    if vae is not None:
        count = training.round_trips
        again = round_trip(seen.pictures[:count], vae, _LATENT_NOISE, training.seed)
        log.info("%d round trips by %.0f s", len(again), time.monotonic() - started)
        seen = Drawn(torch.cat([seen.pictures, again]), torch.cat([seen.words, seen.words[:count]]))
    torch.manual_seed(training.seed)
    reader = Reader(heads, training.width)
    train(reader, seen, training)
    unseen = drawn(heads, _FIRST_UNSEEN, training.unseen, side)
    save(reader, out)
    report: dict[str, Any] = {"drawings": with_mean(accuracies(reader, unseen))}
    if vae is not None:
        again = round_trip(unseen.pictures, vae, 0.0, training.seed)
        report["round_trips"] = with_mean(accuracies(reader, Drawn(again, unseen.words)))
    report |= {"unseen": training.unseen, "seconds": round(time.monotonic() - started)}
    (out / REPORT).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


def reader_of_weights(weights: Path, out: Path, training: Training) -> dict[str, Any]:
    """Train the reader for toy-sd's weights of all styles at 128 pixels, such as the shipped ones.

    Write it into `out` and return its report.
    """
    _, vae = open_trained(weights)
    return make_reader(out, tuple(STYLES), Recipe().side, vae, training)


def recipe_of(run: Path) -> Recipe:
    """Return the recipe of a run of toy-sd; raises FileNotFoundError if there is none."""
    path = run / "recipe.json"
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}: give the folder of a run of toy-sd")
    return Recipe(**json.loads(path.read_text("utf-8")))


def reader_of_run(run: Path, out: Path, training: Training) -> dict[str, Any]:
    """Train the reader for a run of toy-sd, write it into `out` and return its report.

    Without the run's vae.safetensors, the reader learns no pictures of the autoencoder.
    """
    recipe = recipe_of(run)
    vae = None
    if (run / "vae.safetensors").is_file():
        vae = Autoencoder(recipe.vae_width)
        vae.load_state_dict(load_file(run / "vae.safetensors"))
        vae.eval().requires_grad_(False)
    else:
        log.warning("%s has no vae.safetensors: no round trips", run)
    return make_reader(out, recipe.style_names, recipe.side, vae, training)
