"""Steps, saved states, and going on from them to the bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tipo_core.dreambooth.objective import Loss
from tipo_core.dreambooth.private_generators import generator_of
from tipo_core.dreambooth.run_state import RunState, load_state, save_state
from tipo_core.dreambooth.training_loop import TrainingRun, smoothed
from tipo_core.dreambooth.training_recipe import TrainingRecipe

RECIPE = TrainingRecipe(steps=7, learning_rate=0.01, text_encoder="lora", ema_decay=0.9)


class Cancelled(BaseException):
    """As ComfyUI's interrupt of newer versions: no Exception."""


def run(
    recipe: TrainingRecipe = RECIPE,
    file: Path | None = None,
    cancel_at: tuple[int, int] | None = None,
    save_every: int = 0,
    wrong: Callable[[int], float] = lambda step: 1.0,
) -> TrainingRun:
    """A run of a small problem; it is cancelled within the loss of a step and batch."""
    weight = torch.nn.Parameter(torch.randn(3, 4, generator=generator_of(recipe.seed, "start")))
    bias = torch.nn.Parameter(torch.zeros(3))

    def loss(step: int, place: int) -> Loss:
        if cancel_at == (step, place):
            raise Cancelled
        generator = generator_of(recipe.seed, "data", step * recipe.accumulation + place)
        x = torch.randn(recipe.batch_size, 4, generator=generator)
        each = (x @ weight.T + bias - x[:, :3]).square().mean() * wrong(step)
        return Loss(each, each)

    return TrainingRun(recipe, ({"w": weight}, {"b": bias}), loss, file, save_every)


def finished(recipe: TrainingRecipe = RECIPE, **more: Any) -> TrainingRun:
    one = run(recipe, **more)
    one.run()
    return one


def same(one: TrainingRun, other: TrainingRun) -> bool:
    first, second = one.result(), other.result()
    rows = [repr(record) for record in one.records] == [repr(record) for record in other.records]
    return rows and all(torch.equal(first[name], second[name]) for name in first)


def test_the_loss_falls() -> None:
    one = finished(replace(RECIPE, steps=300, ema_decay=0.0))
    assert one.records[-1].loss < one.records[0].loss / 10
    assert [record.step for record in one.records] == list(range(1, 301))


OPTIMIZERS = ["AdamW", "Adam", "SGD", "RMSprop", "Adafactor", "NAdam", "Prodigy", "Lion"]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("step", [1, 3, 6])
def test_a_cancelled_run_goes_on_to_the_bit(tmp_path: Path, step: int, optimizer: str) -> None:
    recipe = replace(RECIPE, optimizer=optimizer, schedule="cosine", warmup=2, accumulation=2)
    whole = finished(recipe)
    file = tmp_path / "folder" / "state.safetensors"
    with pytest.raises(Cancelled):
        finished(recipe, file=file, cancel_at=(step, 1))
    second = run(recipe, file=file)
    assert second.resume() and second.step == step
    second.run()
    assert same(second, whole)


def test_a_run_cancelled_at_every_step_is_the_same(tmp_path: Path) -> None:
    file = tmp_path / "state.safetensors"
    for step in range(RECIPE.steps):
        one = run(file=file, cancel_at=(step + 1, 0))
        assert one.resume() == (step > 0)
        if step + 1 < RECIPE.steps:
            with pytest.raises(Cancelled):
                one.run()
        else:
            one.run()
    assert same(one, finished())


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not() -> None:
    assert same(finished(), finished())
    assert not same(finished(), finished(replace(RECIPE, seed=1)))


def test_a_finished_run_is_not_trained_again_and_can_be_longer(tmp_path: Path) -> None:
    file = tmp_path / "state.safetensors"
    first = finished(file=file)
    again = run(file=file, cancel_at=(0, 0))
    assert again.resume()
    again.run()
    assert same(again, first)
    longer = replace(RECIPE, steps=11)
    more = run(longer, file=file)
    assert more.resume()
    more.run()
    assert same(more, finished(longer))


def test_a_shorter_training_leaves_the_longer_ones_state(tmp_path: Path) -> None:
    file = tmp_path / "state.safetensors"
    longer = finished(file=file)
    recipe = replace(RECIPE, steps=3)
    shorter = run(recipe, file=file)
    assert not shorter.resume()
    assert shorter.notes == [f"a saved training of {RECIPE.steps} steps is longer; it is kept"]
    shorter.run()
    assert same(shorter, finished(recipe))
    again = run(recipe, file=file, cancel_at=(0, 0))
    assert again.resume() and again.step == 3
    kept = run(file=file, cancel_at=(0, 0))
    assert kept.resume() and kept.step == RECIPE.steps and not kept.notes
    kept.run()
    assert same(kept, longer)


def test_the_state_is_saved_every_n_steps(tmp_path: Path) -> None:
    file = tmp_path / "state.safetensors"
    seen = []
    one = run(file=file, save_every=3)
    one.run(lambda run: seen.append(state.step if (state := load_state(file)) else 0))
    assert seen == [0, 0, 3, 3, 3, 6, 6]
    assert list(tmp_path.iterdir()) == [file]


def test_accumulated_batches_are_one_large_batch() -> None:
    recipe = replace(RECIPE, steps=1, accumulation=3)
    assert finished(recipe).records[0].loss == pytest.approx(
        sum(finished(recipe).records[0].loss for _ in range(3)) / 3
    )
    small, norms = run(recipe), []
    for place in range(3):
        loss = small.loss_of(0, place).total
        gradients = torch.autograd.grad(loss, list(small.parameters.values()))
        norms.append(torch.cat([one.flatten() for one in gradients]))
    assert finished(recipe).records[0].norm == pytest.approx(
        torch.stack(norms).mean(dim=0).norm().item(), rel=1e-5
    )


def test_groups_have_their_own_rates_and_the_schedule_scales_both() -> None:
    recipe = replace(
        RECIPE, optimizer="SGD", weight_decay=0, text_encoder_rate=0.5, clip_norm=0, ema_decay=0,
        schedule="linear", steps=2,
    )  # fmt: skip
    one = run(recipe)
    before = {name: value.detach().clone() for name, value in one.parameters.items()}
    gradients = torch.autograd.grad(one.loss_of(0, 0).total, list(one.parameters.values()))
    seen: list[dict[str, torch.Tensor]] = []
    stepped = run(recipe)
    stepped.run(lambda run: seen.append(run.result()))
    torch.testing.assert_close(seen[0]["w"], before["w"] - 0.01 * gradients[0])
    torch.testing.assert_close(seen[0]["b"], before["b"] - 0.5 * gradients[1])
    assert [record.rate for record in stepped.records] == [0.01, 0.005]


def test_the_result_is_the_average() -> None:
    recipe = replace(RECIPE, steps=1, ema_decay=0.9)
    plain = finished(replace(recipe, ema_decay=0.0)).result()["b"]
    # After one step the decay is (1 + 1) / (10 + 1), from zeros.
    torch.testing.assert_close(finished(recipe).result()["b"], plain * (1 - 2 / 11))


def test_a_loss_that_is_nan_keeps_the_last_whole_step(tmp_path: Path) -> None:
    file = tmp_path / "state.safetensors"
    with pytest.raises(FloatingPointError, match=r"the loss of step 4 is nan.*lower the learning"):
        finished(file=file, wrong=lambda step: float("nan") if step == 3 else 1.0)
    state = load_state(file)
    assert state is not None and state.step == 3
    assert all(torch.isfinite(one).all() for one in state.weights.values())


def test_an_error_within_the_optimizer_keeps_the_older_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "state.safetensors"
    one = run(file=file, save_every=2)

    def fails(*_: Any) -> None:
        raise MemoryError

    def broken(run: TrainingRun) -> None:
        if run.step == 3:
            monkeypatch.setattr(run._optimizer, "step", fails)

    with pytest.raises(MemoryError):
        one.run(broken)
    state = load_state(file)
    assert state is not None and state.step == 2


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    file = tmp_path / "state.safetensors"
    finished(file=file)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"state\.safetensors is damaged .* delete the file"):
        run(file=file).resume()


def test_a_state_of_other_layers_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state.safetensors"
    finished(file=file)
    weight = torch.nn.Parameter(torch.zeros(2))
    other = TrainingRun(
        RECIPE, ({"x": weight}, {}), lambda *_: Loss(weight.sum(), weight.sum()), file
    )
    with pytest.raises(ValueError, match="has other layers than this model"):
        other.resume()


def test_nothing_to_train_is_named() -> None:
    with pytest.raises(ValueError, match="no layer of the model fits the chosen targets"):
        TrainingRun(RECIPE, ({}, {}), lambda *_: Loss(torch.zeros(()), torch.zeros(())))


def test_the_smoothed_loss_starts_at_the_first() -> None:
    assert smoothed([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])
    assert smoothed([1.0, 3.0])[1] == pytest.approx((0.95 * 1 + 3) / 1.95)


def changed(path: Path, **values: Any) -> None:
    """Write a state again with other values of its fields."""
    state = load_state(path)
    assert state is not None
    path.unlink()
    save_state(path, replace(state, **values))


DAMAGES: dict[str, Callable[[RunState], dict[str, Any]]] = {
    "no losses": lambda state: {"records": []},
    "short losses": lambda state: {"records": [row[:2] for row in state.records]},
    "step before the first": lambda state: {"step": -3},
    "no optimizer": lambda state: {"optimizer": {}},
    "no groups": lambda state: {"optimizer": {**state.optimizer, "param_groups": []}},
    "other shape": lambda state: {"weights": {k: v[..., :1] for k, v in state.weights.items()}},
    "no average": lambda state: {"average": {}},
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_has_its_remedy_and_changes_no_weight(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "state.safetensors"
    first = finished(file=file)
    state = load_state(file)
    assert state is not None
    changed(file, **DAMAGES[damage](state))
    again = run(file=file)
    before = again.result()
    with pytest.raises(ValueError, match="delete the file to start anew"):
        again.resume()
    assert all(torch.equal(before[name], one) for name, one in again.result().items())
    assert first.step == RECIPE.steps


def test_a_folder_in_place_of_a_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.safetensors").mkdir()
    with pytest.raises(ValueError, match="delete the file"):
        run(file=tmp_path / "state.safetensors").resume()
