"""Linear layers with fp16 weights: near fp32, and rows are independent."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tipo_core.lm.kernels.fp16_linear import Fp16Linear, has_fp16_kernel, padding_rows

if not has_fp16_kernel():
    pytest.skip("this processor has no kernel for fp16 weights", allow_module_level=True)


def layer_of(weight: torch.Tensor) -> Fp16Linear:
    """Return a layer with `weight` (`O, I`), rounded to fp16."""
    layer = Fp16Linear(weight.shape[1], weight.shape[0])
    layer.weight.data.copy_(weight)
    layer.pack()
    return layer


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


sizes = st.integers(1, 70)


@given(st.integers(1, 20), sizes, sizes, st.integers(-3, 3), st.integers(0, 9))
@settings(max_examples=60)
def test_the_result_is_near_that_of_a_float_layer(
    rows: int, inputs: int, outputs: int, exponent: int, seed: int
) -> None:
    x = random(rows, inputs, seed=seed) * 10 ** random(rows, 1, seed=seed + 1)
    weight = (random(outputs, inputs, seed=seed + 2) * 10.0**exponent).half()
    before = x.clone()
    ours = layer_of(weight.float())(x)
    wanted = x.double() @ weight.double().t()
    # The rounding error of fp32 sums of `inputs` terms.
    most = 1e-6 * (x.double().abs() @ weight.double().abs().t()) + 1e-30
    assert ours.dtype is torch.float32
    assert bool(((ours - wanted).abs() <= most).all())
    assert torch.equal(x, before)


@pytest.mark.parametrize("inputs", [1, 7, 48, 192, 577])
@pytest.mark.parametrize("outputs", [1, 33, 160])
def test_a_row_does_not_depend_on_the_other_rows(inputs: int, outputs: int) -> None:
    layer = layer_of(random(outputs, inputs, seed=0))
    x = random(40, inputs, seed=1) * 10 ** random(40, 1, seed=2)
    x[7] = 0
    alone = torch.cat([layer(row) for row in x.split(1)])
    assert not alone[7].any()
    for count in (2, 3, 5, 6, 7, 15, 16, 17, 33, 40):
        assert torch.equal(layer(x[:count]), alone[:count])
        assert torch.equal(layer(x[-count:]), alone[-count:])
    order = torch.randperm(40, generator=torch.Generator().manual_seed(3))
    assert torch.equal(layer(x[order]), alone[order])
    assert torch.equal(layer(x[::3]), alone[::3])
    # Not aligned to a cache line.
    moved = torch.empty(x.numel() + 3)[3:].view_as(x).copy_(x)
    assert torch.equal(layer(moved), alone)


def test_a_row_does_not_depend_on_the_number_of_rows() -> None:
    layer = layer_of(random(24, 96, seed=0))
    x = random(260, 96, seed=1)
    alone = torch.cat([layer(row) for row in x.split(1)])
    for count in range(1, 261):
        assert torch.equal(layer(x[:count]), alone[:count])
    assert max(map(padding_rows, range(1, 261))) <= 2


def test_the_number_of_threads_does_not_change_the_result() -> None:
    layer = layer_of(random(700, 600, seed=0))
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


def test_nan_and_infinite_inputs_give_non_finite_outputs() -> None:
    layer = layer_of(random(6, 50, seed=0))
    x = random(4, 50, seed=1)
    alone = layer(x)
    x[1, 3], x[2, 7] = torch.nan, torch.inf
    out = layer(x)
    assert not out[1:3].isfinite().any()
    assert torch.equal(out[[0, 3]], alone[[0, 3]])


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 1e5])
def test_weights_that_fp16_cannot_hold_are_an_error(value: float) -> None:
    weight = random(6, 50, seed=0)
    weight[4, 2] = value
    with pytest.raises(ValueError, match="too large for fp16"):
        layer_of(weight)


def test_a_packed_layer_keeps_its_size_and_its_device() -> None:
    layer = layer_of(random(6, 50, seed=0))
    x = random(4, 50, seed=1)
    wanted = layer(x)
    moved = layer.to("meta").double()
    assert moved.weight.nbytes == 6 * 50 * 2
    assert torch.equal(moved(x), wanted)
