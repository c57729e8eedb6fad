"""Settings, their digest, learning rates, optimizers, the report and the memory."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from tipo_core.dreambooth.loss_report import duration, loss_chart, loss_rows
from tipo_core.dreambooth.memory_estimate import estimate_memory, memory_advice
from tipo_core.dreambooth.optimizers import new_optimizer, optimizer_names, rate_factor
from tipo_core.dreambooth.training_loop import StepRecord
from tipo_core.dreambooth.training_pictures import PictureSet, TrainingPicture, captions_of
from tipo_core.dreambooth.training_recipe import TrainingRecipe

RECIPE = TrainingRecipe()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unet": "none"}, "nothing is trained: set unet or text_encoder to something else"),
        ({"unet": "all"}, "unet 'all' is unknown: choose lora, full, none"),
        ({"schedule": "step"}, "schedule 'step' is unknown: choose constant, cosine, linear"),
        ({"rank": 0}, "rank 0 is out of range: give 1 or more"),
        ({"learning_rate": -1.0}, "learning_rate -1 is out of range"),
        ({"ema_decay": 1.0}, r"ema_decay 1 is out of range: give 0 to 0\.9999"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainingRecipe(**settings)


def test_alpha_and_rate_follow_where_they_are_zero() -> None:
    assert RECIPE.lora_alpha == RECIPE.rank and RECIPE.text_rate == RECIPE.learning_rate
    assert replace(RECIPE, alpha=2.0, text_encoder_rate=0.1).lora_alpha == 2.0


def test_the_digest_is_of_all_that_decides_the_weights() -> None:
    digest = RECIPE.digest(["a", "b"])
    assert digest == TrainingRecipe().digest(["a", "b"]) and digest != RECIPE.digest(["ab", ""])
    assert replace(RECIPE, checkpointing=True).digest(["a", "b"]) == digest
    others = {"rank": 8, "seed": 1, "prior_weight": 0.5, "warmup": 3, "batch_size": 2}
    for name, value in others.items():
        changed: dict[str, Any] = {name: value}
        assert replace(RECIPE, **changed).digest(["a", "b"]) != digest, name


def test_more_steps_are_the_same_training_at_a_constant_rate_alone() -> None:
    assert replace(RECIPE, steps=9).digest([]) == RECIPE.digest([])
    cosine = replace(RECIPE, schedule="cosine")
    assert replace(cosine, steps=9).digest([]) != cosine.digest([])


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
@pytest.mark.parametrize("warmup", [0, 4])
def test_rates_are_those_of_diffusers(schedule: str, warmup: int) -> None:
    """The lambdas of diffusers' get_scheduler, with half a cosine."""
    total = 20
    recipe = replace(RECIPE, schedule=schedule, warmup=warmup, steps=total)
    for step in range(total):
        if step < warmup:
            wanted = step / max(1, warmup)
        elif schedule == "constant":
            wanted = 1.0
        elif schedule == "linear":
            wanted = max(0.0, (total - step) / max(1, total - warmup))
        else:
            progress = (step - warmup) / max(1, total - warmup)
            wanted = max(0.0, 0.5 * (1.0 + math.cos(math.pi * 0.5 * 2.0 * progress)))
        assert rate_factor(recipe, step) == pytest.approx(wanted, abs=1e-12)


def test_optimizers_by_name() -> None:
    assert {"AdamW", "Adam", "SGD", "RMSprop"} <= set(optimizer_names())
    weight = torch.nn.Parameter(torch.zeros(2))
    for name in optimizer_names():
        made = new_optimizer(replace(RECIPE, optimizer=name), [([weight], 0.1), ([], 0.2)])
        assert type(made).__name__ == name and len(made.param_groups) == 1
    with pytest.raises(ValueError, match="optimizer 'Sophia' is unknown: choose AdamW, Adam"):
        new_optimizer(replace(RECIPE, optimizer="Sophia"), [([weight], 0.1)])


def test_an_optimizer_that_is_not_installed_says_how_to_get_it() -> None:
    if "Prodigy" in optimizer_names():
        pytest.skip("prodigyopt is installed")
    weight = torch.nn.Parameter(torch.zeros(2))
    with pytest.raises(RuntimeError, match="pip install prodigyopt"):
        new_optimizer(replace(RECIPE, optimizer="Prodigy"), [([weight], 1.0)])


def record(step: int, prior: float = math.nan) -> StepRecord:
    return StepRecord(step, 1 / step, 1 / step, prior, 1e-4, 0.5)


def test_rows_of_the_report() -> None:
    rows = loss_rows([record(step) for step in range(1, 101)])
    assert rows[0].split() == ["step", "loss", "rate"] and len(rows) == 13
    assert [int(row.split()[0]) for row in rows[1:]][-1] == 100
    both = loss_rows([record(step, 0.1) for step in range(1, 4)])
    assert both[0].split() == ["step", "loss", "subject", "class", "rate"] and len(both) == 4
    assert loss_rows([]) == []


def test_the_chart_of_one_step_is_drawn_too() -> None:
    for records in ([record(1)], [record(1, 0.2), record(2, 0.1)]):
        assert loss_chart(records).size == (960, 640)


def test_durations() -> None:
    assert [duration(one) for one in (4.4, 61, 3700)] == ["4 s", "1 min 01 s", "1 h 01 min"]


def test_memory_is_counted_and_advice_has_numbers() -> None:
    recipe = replace(RECIPE, batch_size=2)
    estimate = estimate_memory(recipe, 1_000_000, 4_000_000_000, 500_000_000)
    assert estimate.trained == 16_000_000 and estimate.total == 4_016_000_000
    text = memory_advice(recipe, estimate, "cuda:0", 3_000_000_000)
    assert text.startswith("cuda:0 has too little memory for this training: it needs about 4.02 GB")
    assert "gradient_checkpointing on (saves about 3.50 GB)" in text
    assert "lower batch_size 2" in text and "(each picture less saves about 2.00 GB)" in text
    full = replace(recipe, unet="full", checkpointing=True, batch_size=1, ema_decay=0.9)
    estimate = estimate_memory(full, 1_000_000, 4_000_000_000, 500_000_000)
    assert estimate.trained == 20_000_000 and estimate.activations == 500_000_000
    text = memory_advice(full, estimate, "cuda:0", 0)
    assert "gradient_checkpointing" not in text and "train a lora (saves nearly all" in text


def test_memory_that_ran_out_before_the_estimate() -> None:
    text = memory_advice(
        replace(RECIPE, unet="full"), estimate_memory(RECIPE, 0, 0, 0), "cuda:0", 2_000_000_000
    )
    assert "the model and the weights to train need more than the 2.00 GB that were free" in text
    assert "train a lora;" in text and "saves about 0" not in text


def picture(caption: str = "a", value: float = 0.0, **more: Any) -> TrainingPicture:
    return TrainingPicture(caption, "1.png", pixels=torch.full((8, 8, 3), value), **more)


def test_pictures_have_pixels_or_a_latent() -> None:
    with pytest.raises(ValueError, match=r"picture 1\.png has to have either pixels or a latent"):
        TrainingPicture("a", "1.png")
    assert TrainingPicture("a", "x", latent=torch.zeros(4, 2, 2)).content.shape == (4, 2, 2)
    with pytest.raises(ValueError, match="is empty: add at least one picture"):
        PictureSet((), "a")
    with pytest.raises(ValueError, match="repeats 0: give 1 or more"):
        PictureSet((picture(),), "a", repeats=0)


def test_digests_of_pictures() -> None:
    same = picture().digest
    assert picture().digest == same
    for other in (
        picture("b"), picture(value=0.1), picture(crop=(0, 8)), picture(original_size=(9, 9)),
    ):  # fmt: skip
        assert other.digest != same
    one = PictureSet((picture(), picture("b")), "p")
    assert PictureSet((picture(), picture("b")), "p", notes=("n",)).digest == one.digest
    assert PictureSet((picture("b"), picture()), "p").digest != one.digest
    assert PictureSet((picture(), picture("b")), "p", repeats=2).digest != one.digest
    assert captions_of([one, one]) == ["a", "b"]
