"""Linear layers of integers: near the float ones, and a row the same beside any others."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from tipo_core.lm.integer_linear import (
    IntegerLinear,
    IntegerNormedLinear,
    IntegerOperations,
    normed_step,
    quantise,
)

EPS = 1e-5
STEPS = 127
Layer = IntegerLinear | IntegerNormedLinear
NORMED = pytest.mark.parametrize("is_normed", [False, True], ids=["linear", "normed"])


def layer_of(weight: torch.Tensor, is_normed: bool) -> Layer:
    """A layer with the rows of `weight` (`O, I`)."""
    ops = IntegerOperations()
    outputs, inputs = weight.shape
    if is_normed:
        layer: Layer = ops.NormedLinear(inputs, outputs, EPS, ops)
    else:
        layer = ops.Linear(inputs, outputs)
    scales = quantise(weight, layer.weight.data)
    layer.factors.data = scales * (normed_step(inputs) if is_normed else 1.0)
    return layer


def float_output(x: torch.Tensor, weight: torch.Tensor, is_normed: bool) -> torch.Tensor:
    """What a layer of floats returns, in fp64."""
    x = x.double()
    if is_normed:
        x = functional.rms_norm(x, x.shape[-1:], eps=EPS)
    return x @ weight.double().t()


def bound(x: torch.Tensor, weight: torch.Tensor, is_normed: bool) -> torch.Tensor:
    """How far from it the integers may be, `N, O`.

    Half a step of the weight for each value that goes in, and the part of a step that is cut off
    there for each weight; beside them only the rounding of fp32.
    """
    x, weight = x.double(), weight.double()
    step_of_weight = weight.abs().amax(-1) / STEPS + 1e-30
    if is_normed:
        x = functional.rms_norm(x, x.shape[-1:], eps=EPS)
        step_in = torch.full((len(x), 1), normed_step(x.shape[1]), dtype=torch.float64)
    else:
        step_in = x.abs().amax(-1, keepdim=True) / STEPS + 1e-30
    total_in = x.abs().sum(-1, keepdim=True)
    kept = weight.abs().sum(-1) + weight.shape[1] * step_of_weight / 2
    rounding = 1e-6 * (total_in + step_in * STEPS) * weight.abs().amax(-1) * weight.shape[1]
    return total_in * step_of_weight / 2 + step_in / STEPS * kept + rounding


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


sizes = st.integers(2, 70)
exponents = st.integers(-6, 6)


@NORMED
def test_the_result_is_as_near_as_its_steps_are_fine(is_normed: bool) -> None:
    @given(st.integers(1, 20), sizes, sizes, exponents, exponents, st.integers(0, 9))
    @settings(max_examples=60)
    def check(rows: int, inputs: int, outputs: int, of_x: int, of_weight: int, seed: int) -> None:
        x = random(rows, inputs, seed=seed) * 10.0**of_x
        # Rows of other sizes beside each other.
        x = x * 10 ** random(rows, 1, seed=seed + 1)
        weight = random(outputs, inputs, seed=seed + 2) * 10.0**of_weight
        weight = weight * 10 ** random(outputs, 1, seed=seed + 3)
        before = x.clone()
        ours = layer_of(weight, is_normed)(x).double()
        error = (ours - float_output(x, weight, is_normed)).abs()
        assert bool((error <= bound(x, weight, is_normed)).all())
        assert torch.equal(x, before)

    check()


def test_eight_bits_lose_little_of_a_wide_layer() -> None:
    weight, x = random(256, 768, seed=0), random(32, 768, seed=1)
    wanted = float_output(x, weight, False)
    error = layer_of(weight, False)(x).double() - wanted
    assert error.std() / wanted.std() < 1e-2


@NORMED
@pytest.mark.parametrize("width", [2, 7, 48, 192, 577])
def test_a_row_is_the_same_beside_any_others(is_normed: bool, width: int) -> None:
    layer = layer_of(random(33, width, seed=0), is_normed)
    x = random(40, width, seed=1) * 10 ** random(40, 1, seed=2)
    x[7] = 0
    alone = torch.cat([layer(row) for row in x.split(1)])
    for count in (2, 3, 15, 16, 17, 33, 40):
        assert torch.equal(layer(x[:count]), alone[:count])
        assert torch.equal(layer(x[-count:]), alone[-count:])
    order = torch.randperm(40, generator=torch.Generator().manual_seed(3))
    assert torch.equal(layer(x[order]), alone[order])
    assert torch.equal(layer(x[::3]), alone[::3])


@NORMED
def test_threads_change_nothing(is_normed: bool) -> None:
    layer = layer_of(random(700, 600, seed=0), is_normed)
    x = random(24, 600, seed=1)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results += [layer(x), torch.cat([layer(row) for row in x.split(1)])]
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, results[0]) for one in results)


@NORMED
def test_a_result_outlives_the_next_one(is_normed: bool) -> None:
    layer = layer_of(random(5, 8, seed=0), is_normed)
    first = layer(random(2, 8, seed=1))
    kept = first.clone()
    layer(random(2, 8, seed=2))
    assert torch.equal(first, kept)


@NORMED
def test_zeros_go_in_and_out(is_normed: bool) -> None:
    weight = random(6, 9, seed=0)
    weight[2] = 0
    layer = layer_of(weight, is_normed)
    assert torch.equal(layer(torch.zeros(3, 9)), torch.zeros(3, 6))
    x = random(4, 9, seed=1)
    x[1] = 0
    out = layer(x)
    assert not out[1].any() and not out[:, 2].any()
    assert out[[0, 2, 3]][:, [0, 1, 3, 4, 5]].all()


@pytest.mark.parametrize("size", [1e-25, 1e-12, 1e12, 1e30])
def test_huge_and_tiny_values_keep_their_precision(size: float) -> None:
    weight, x = random(6, 50, seed=0), random(4, 50, seed=1)
    for rows, matrix in ((x * size, weight), (x, weight * size)):
        error = layer_of(matrix, False)(rows).double() - float_output(rows, matrix, False)
        assert bool((error.abs() <= bound(rows, matrix, False)).all())


@pytest.mark.parametrize("size", [1e-12, 1e-3, 1e15])
def test_a_norm_has_its_eps_and_no_other_bound(size: float) -> None:
    weight, x = random(6, 50, seed=0), random(4, 50, seed=1) * size
    ours = layer_of(weight, True)(x).double()
    error = (ours - float_output(x, weight, True)).abs()
    assert bool((error <= bound(x, weight, True)).all())


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@NORMED
def test_values_that_are_no_numbers_come_out_as_none(is_normed: bool, value: float) -> None:
    layer = layer_of(random(6, 50, seed=0), is_normed)
    x = random(4, 50, seed=1)
    alone = layer(x)
    x[1, 3], x[2] = value, value
    out = layer(x)
    # Behind a norm what goes in is also added to what comes out, and looked at in the end.
    assert is_normed or not out[1:3].isfinite().any()
    assert torch.equal(out[[0, 3]], alone[[0, 3]])


@NORMED
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_weights_that_are_no_numbers_make_no_plausible_one(is_normed: bool, value: float) -> None:
    weight = random(6, 50, seed=0)
    weight[4, 2] = value
    try:
        layer = layer_of(weight, is_normed)
    except ValueError:
        return
    out = layer(random(3, 50, seed=1))
    assert out[:, [0, 1, 2, 3, 5]].isfinite().all() and not out[:, 4].isfinite().any()


@pytest.mark.parametrize("width", [1024, 8192])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_sums_fit(width: int, sign: int) -> None:
    # Every step is 127, and of what goes in so is every remainder but that of the first.
    weight = torch.full((3, width), float(STEPS))
    x = sign * torch.full((2, width), STEPS - 0.004)
    x[:, 0] = sign * STEPS
    out = layer_of(weight, False)(x)
    wanted = float_output(x, weight, False)
    assert bool((out.sign() == sign).all())
    torch.testing.assert_close(out.double(), wanted, rtol=1e-2, atol=0)


@NORMED
def test_the_largest_value_of_a_norm_fits(is_normed: bool) -> None:
    x = torch.zeros(3, 8192)
    x[0, 5], x[1, 5], x[2, 5] = 1e6, -1e6, 1e-4
    weight = random(4, 8192, seed=0)
    out = layer_of(weight, is_normed)(x).double()
    error = (out - float_output(x, weight, is_normed)).abs()
    assert bool((error <= bound(x, weight, is_normed)).all())


@NORMED
def test_the_way_of_accelerators_agrees(is_normed: bool) -> None:
    weight = random(20, 96, seed=0)
    layer = layer_of(weight, is_normed)
    steps = (random(5, 96, seed=1) * 40).clamp(-STEPS, STEPS)
    floats = functional.linear(steps, layer._dequantised(steps.device))
    unit = normed_step(96) if is_normed else 1.0
    # On a CPU what is left of the finest step that goes in is cut off.
    most = (layer._dequantised(steps.device).abs().sum(-1) / STEPS) * 1.001
    assert bool(((layer.products(steps.clone()) - floats).abs() <= most + 1e-4).all())
    finest = weight.abs().amax(-1, keepdim=True) / STEPS
    error = (layer._dequantised(steps.device) / unit - weight).abs()
    assert bool((error <= finest / 2 * 1.01).all())
