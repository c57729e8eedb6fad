"""Order of the pictures, noise levels, noise."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from tipo_core.dreambooth.batch_order import BatchOrder
from tipo_core.dreambooth.noise_levels import NoiseSchedule, draw_noise, draw_sigmas
from tipo_core.dreambooth.objective import Prediction
from tipo_core.dreambooth.private_generators import generator_of

SQUARE, WIDE = torch.Size((4, 8, 8)), torch.Size((4, 8, 16))


def test_each_picture_is_used_repeats_times_an_epoch() -> None:
    order = BatchOrder([SQUARE] * 6, 2, 3, 0, "subject")
    assert order.batches_per_epoch == 9
    used = Counter(place for number in range(9) for place in order.batch(number))
    assert used == dict.fromkeys(range(6), 3)


def test_a_batch_has_one_shape_and_is_full() -> None:
    shapes = [SQUARE, WIDE, SQUARE, WIDE, SQUARE]
    order = BatchOrder(shapes, 2, 1, 0, "subject")
    for number in range(4 * order.batches_per_epoch):
        places = order.batch(number)
        assert len(places) == 2 and len({shapes[place] for place in places}) == 1


def test_a_batch_may_be_larger_than_its_pictures() -> None:
    assert sorted(BatchOrder([SQUARE] * 2, 5, 1, 0, "subject").batch(0)) == [0, 0, 0, 1, 1] or (
        sorted(BatchOrder([SQUARE] * 2, 5, 1, 0, "subject").batch(0)) == [0, 0, 1, 1, 1]
    )


def test_a_batch_is_known_without_those_before_and_epochs_differ() -> None:
    order = BatchOrder([SQUARE] * 7, 1, 1, 5, "subject")
    all_batches = [order.batch(number) for number in range(70)]
    assert BatchOrder([SQUARE] * 7, 1, 1, 5, "subject").batch(66) == all_batches[66]
    epochs = {tuple(b[0] for b in all_batches[n : n + 7]) for n in range(0, 70, 7)}
    assert len(epochs) > 5
    others = (
        BatchOrder([SQUARE] * 7, 1, 1, seed, name) for seed, name in ((6, "subject"), (5, "class"))
    )
    for other in others:
        assert [other.batch(number) for number in range(70)] != all_batches


def schedule(prediction: Prediction) -> NoiseSchedule:
    return NoiseSchedule(torch.arange(1, 1001) / 1000, prediction)


def drawn(prediction: Prediction, choice: str) -> torch.Tensor:
    return draw_sigmas(schedule(prediction), 20000, choice, generator_of(0, "test"))


def test_noise_levels_are_those_of_the_schedule() -> None:
    levels = drawn(Prediction.EPS, "auto")
    assert set(levels.tolist()) <= set(schedule(Prediction.EPS).sigmas.tolist())
    assert levels.min() < 0.01 and levels.max() > 0.99
    assert levels.mean() == pytest.approx(0.5, abs=0.01)
    assert levels.std() == pytest.approx(12**-0.5, abs=0.01)


def test_flow_models_get_the_middle_levels_more_often() -> None:
    # The standard deviation of a logistic-normal variable of (0, 1) is 0.208.
    assert drawn(Prediction.FLOW, "auto").std() == pytest.approx(0.208, abs=0.01)
    assert torch.equal(drawn(Prediction.FLOW, "auto"), drawn(Prediction.EPS, "logit-normal"))
    assert torch.equal(drawn(Prediction.FLOW, "uniform"), drawn(Prediction.EPS, "auto"))
    with pytest.raises(ValueError, match="timesteps 'sd3' is unknown: choose auto"):
        drawn(Prediction.FLOW, "sd3")


def test_offset_noise_is_the_same_at_all_places() -> None:
    shapes = [SQUARE, WIDE]
    plain = draw_noise(shapes, 0.0, generator_of(0, "n"))
    assert [one.shape for one in plain] == shapes
    (noise,) = draw_noise([SQUARE], 0.1, generator_of(0, "n"))
    flat = noise - plain[0]
    assert flat.flatten(1).std(dim=1).max() < 1e-6 and flat.abs().max() > 0.01


def test_no_global_generator_is_used() -> None:
    state = torch.get_rng_state()
    drawn(Prediction.EPS, "auto")
    draw_noise([SQUARE], 0.1, generator_of(0, "n"))
    BatchOrder([SQUARE] * 3, 1, 1, 0, "subject").batch(0)
    assert torch.equal(torch.get_rng_state(), state)
