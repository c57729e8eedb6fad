"""Training of toy-sd: it learns, continues after a stop, and refuses another recipe."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from lab.toy_sd.drawings.drawings import NEGATIVE, scene
from lab.toy_sd.drawings.text_encodings import wording
from lab.toy_sd.model.autoencoder import Autoencoder
from lab.toy_sd.model.unet import UNet
from lab.toy_sd.training import optimizer_steps as steps
from lab.toy_sd.training import toy_sd_state as progress
from lab.toy_sd.training import train_vae
from lab.toy_sd.training.sample_grid import COLUMNS, SampleGrid
from lab.toy_sd.training.toy_sd_recipe import Recipe
from lab.toy_sd.training.train_unet import WEIGHTS, train_unet

CPU = torch.device("cpu")
RECIPE = Recipe(
    side=16, styles="critter", width=32, vae_width=8, steps=4, batch=2, warmup=2,
    vae_steps=12, vae_batch=2, log_every=2, keep_every=2, grid_every=2, grid_steps=2,
)  # fmt: skip


class FewTexts:
    """Stands for the text encoder: an encoding of one token that says how long the text is."""

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        return torch.tensor([float(len(text)) for text in texts])[:, None, None].expand(-1, 1, 768)


class Stopped(Exception):
    pass


def run(out: Path, stop_at: int = 0) -> UNet:
    out.mkdir(exist_ok=True)
    latents = torch.randn(20, 4, 2, 2, generator=torch.Generator().manual_seed(0)).half()

    def look(unet: UNet, step: int) -> None:
        if step == stop_at:
            raise Stopped

    texts: object = FewTexts()
    return train_unet(latents, Autoencoder(8), texts, out, RECIPE, CPU, look)  # type: ignore[arg-type]


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole")
    with pytest.raises(Stopped):
        run(tmp_path / "two", stop_at=2)
    resumed = run(tmp_path / "two")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    rows = list(csv.DictReader((tmp_path / "two" / "unet.csv").open(encoding="utf-8")))
    assert [row["step"] for row in rows] == ["2", "4"]
    weights = load_file(tmp_path / "two" / WEIGHTS)
    name = "middle_block.1.transformer_blocks.0.attn2.to_k.weight"
    assert torch.equal(weights[f"model.diffusion_model.{name}"], whole.state_dict()[name].half())
    assert "first_stage_model.taesd_decoder.1.weight" in weights


def test_autoencoder_learns_a_picture(tmp_path: Path) -> None:
    drawn = np.full((4, 16, 16, 3), (250, 60, 30), np.uint8)
    vae = train_vae.train_vae(drawn, tmp_path, replace(RECIPE, warmup=0, vae_rate=1e-2), CPU)
    rows = list(csv.DictReader((tmp_path / "vae.csv").open(encoding="utf-8")))
    assert float(rows[-1]["l1"]) < 0.5 * float(rows[0]["l1"])
    latents = train_vae.latents_of(drawn, vae, CPU, batch=3)
    assert latents.shape == (4, 4, 2, 2) and latents.dtype == torch.float16


def test_moment_loss_is_0_for_unit_latents() -> None:
    latents = torch.tensor([-1.0, 1.0]).reshape(2, 1, 1, 1).expand(2, 4, 50, 50)
    assert train_vae.moment_loss(latents).item() < 1e-3
    assert train_vae.moment_loss(3 * latents + 2).item() == pytest.approx(8, abs=0.01)


def test_another_recipe_in_the_same_folder_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    progress.same_recipe(path, asdict(RECIPE))
    progress.same_recipe(path, asdict(replace(RECIPE, steps=99, log_every=1)))
    with pytest.raises(ValueError, match="has side 16, not 32: give another folder"):
        progress.same_recipe(path, asdict(replace(RECIPE, side=32)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"side": 60}, "multiple of 8"), ({"styles": "critter, dog"}, "no style 'dog': choose from")],
)
def test_a_recipe_that_cannot_be_drawn_is_an_error(wrong: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(RECIPE, **wrong)  # type: ignore[arg-type]


def test_learning_rate_rises_and_falls() -> None:
    recipe = replace(RECIPE, warmup=10)
    rates = [steps.learning_rate(1.0, step, 100, recipe) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(recipe.final_share, abs=2e-3)


def test_steps_draw_numbers_of_their_own() -> None:
    seeds = {steps.step_seed(1, stage, step) for stage in ("vae", "unet") for step in range(50)}
    assert len(seeds) == 100


def test_wording_drops_the_text_as_often_as_asked() -> None:
    import random

    of, rng = scene(3, ["critter"]), random.Random(0)
    texts = [wording(of, rng, 2, 0.25) for _ in range(400)]
    assert 30 < texts.count("") < 70 and 30 < texts.count(NEGATIVE) < 70
    assert len(set(texts)) == 4  # two prompts, none, and the negative one
    assert len({wording(of, rng, 0, 0.0) for _ in range(50)}) > 30


def test_grid_shows_what_was_meant_over_what_was_drawn(tmp_path: Path) -> None:
    texts: object = FewTexts()
    look = SampleGrid(Autoencoder(8), texts, tmp_path, RECIPE)  # type: ignore[arg-type]
    with Image.open(look(UNet(32), 5)) as grid:
        assert grid.size == (COLUMNS * 16, 32)
    prompts = (tmp_path / "samples" / "prompts.txt").read_text("utf-8").splitlines()
    assert len(prompts) == COLUMNS and all(prompt.startswith("critter, ") for prompt in prompts)
