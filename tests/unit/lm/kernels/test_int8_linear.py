"""Linear layers of integers: near the float ones, and a row the same beside any others."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from tipo_core.lm.kernels import int8_linear
from tipo_core.lm.kernels.int8_linear import (
    IntegerLinear,
    IntegerNormedLinear,
    IntegerOperations,
    TurningLinear,
    hadamard,
    is_packing_exact,
    quantise,
    turned,
    turned_columns,
)

EPS = 1e-5
STEPS = 127
Layer = IntegerLinear | IntegerNormedLinear
KINDS = ("linear", "turning", "normed")
KIND = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(params=[True, False], ids=["packed", "plain"])
def is_packed(request: pytest.FixtureRequest) -> bool:
    """Whether the layers of a test use the kernel that wants its matrix in an order of its own."""
    if request.param and not is_packing_exact():
        pytest.skip("this processor has no such kernel")
    return bool(request.param)


def layer_of(weight: torch.Tensor, kind: str, is_packed: bool = False) -> Layer:
    """A layer with the rows of `weight` (`O, I`)."""
    outputs, inputs = weight.shape
    if kind == "normed":
        layer: Layer = IntegerNormedLinear(inputs, outputs, EPS, IntegerOperations)
    elif kind == "turning":
        layer, weight = TurningLinear(inputs, outputs), turned(weight)
    else:
        layer = IntegerLinear(inputs, outputs)
    layer.factors.data = quantise(weight, layer.weight.data)
    if is_packed:
        layer.pack()
    return layer


def float_output(x: torch.Tensor, weight: torch.Tensor, kind: str) -> torch.Tensor:
    """What a layer of floats returns, in fp64."""
    x = x.double()
    if kind == "normed":
        x = functional.rms_norm(x, x.shape[-1:], eps=EPS)
    return x @ weight.double().t()


def bound(x: torch.Tensor, weight: torch.Tensor, kind: str) -> torch.Tensor:
    """How far from it the integers may be, `N, O`.

    Half a step of the weight for each value that goes in, and half a step of what goes in for each
    weight; beside them only the rounding of fp32, and of fp16 where something is turned.
    """
    rounding = 1e-5
    if kind == "turning":
        x, weight, rounding = turned(x), turned(weight), 2e-3
    x, weight = x.double(), weight.double()
    step_of_weight = weight.abs().amax(-1) / STEPS + 1e-30
    if kind == "normed":
        x = functional.rms_norm(x, x.shape[-1:], eps=EPS)
    step_in = x.abs().amax(-1, keepdim=True) / STEPS + 1e-30
    total_in = x.abs().sum(-1, keepdim=True)
    weights = weight.abs().sum(-1) + weight.shape[1] * step_of_weight / 2
    rounded = rounding * step_in * STEPS * step_of_weight * STEPS * weight.shape[1]
    return total_in * step_of_weight / 2 + step_in / 2 * weights + rounded


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


sizes = st.integers(2, 70)
exponents = st.integers(-6, 6)


@KIND
def test_the_result_is_as_near_as_its_steps_are_fine(kind: str, is_packed: bool) -> None:
    @given(st.integers(1, 20), sizes, sizes, exponents, exponents, st.integers(0, 9))
    @settings(max_examples=60)
    def check(rows: int, inputs: int, outputs: int, of_x: int, of_weight: int, seed: int) -> None:
        x = random(rows, inputs, seed=seed) * 10.0**of_x
        # Rows of other sizes beside each other.
        x = x * 10 ** random(rows, 1, seed=seed + 1)
        weight = random(outputs, inputs, seed=seed + 2) * 10.0**of_weight
        weight = weight * 10 ** random(outputs, 1, seed=seed + 3)
        before = x.clone()
        ours = layer_of(weight, kind, is_packed)(x).double()
        error = (ours - float_output(x, weight, kind)).abs()
        assert bool((error <= bound(x, weight, kind)).all())
        assert torch.equal(x, before)

    check()


def test_eight_bits_lose_little_of_a_wide_layer(is_packed: bool) -> None:
    weight, x = random(256, 768, seed=0), random(32, 768, seed=1)
    # A value that leaves the others no steps, until it is spread over its neighbours.
    x[:, 5] = 60.0
    wanted = float_output(x, weight, "turning")
    errors = {
        kind: (layer_of(weight, kind, is_packed)(x) - wanted).std() / wanted.std()
        for kind in ("linear", "turning")
    }
    assert errors["turning"] < 2e-2 < 3 * errors["linear"]


@KIND
@pytest.mark.parametrize("width", [2, 7, 48, 192, 577])
def test_a_row_is_the_same_beside_any_others(kind: str, width: int, is_packed: bool) -> None:
    layer = layer_of(random(33, width, seed=0), kind, is_packed)
    x = random(40, width, seed=1) * 10 ** random(40, 1, seed=2)
    x[7] = 0
    alone = torch.cat([layer(row) for row in x.split(1)])
    for count in (2, 3, 15, 16, 17, 33, 40):
        assert torch.equal(layer(x[:count]), alone[:count])
        assert torch.equal(layer(x[-count:]), alone[-count:])
    order = torch.randperm(40, generator=torch.Generator().manual_seed(3))
    assert torch.equal(layer(x[order]), alone[order])
    assert torch.equal(layer(x[::3].contiguous()), alone[::3])


@KIND
def test_threads_change_nothing(kind: str, is_packed: bool) -> None:
    layer = layer_of(random(700, 600, seed=0), kind, is_packed)
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


@KIND
def test_zeros_go_in_and_out(kind: str, is_packed: bool) -> None:
    weight = random(6, 9, seed=0)
    weight[2] = 0
    layer = layer_of(weight, kind, is_packed)
    assert torch.equal(layer(torch.zeros(3, 9)), torch.zeros(3, 6))
    x = random(4, 9, seed=1)
    x[1] = 0
    out = layer(x)
    assert not out[1].any() and not out[:, 2].any()
    assert out[[0, 2, 3]][:, [0, 1, 3, 4, 5]].all()


@pytest.mark.parametrize("size", [1e-25, 1e-12, 1e12, 1e30])
def test_huge_and_tiny_values_keep_their_precision(size: float, is_packed: bool) -> None:
    weight, x = random(6, 50, seed=0), random(4, 50, seed=1)
    for rows, matrix in ((x * size, weight), (x, weight * size)):
        ours = layer_of(matrix, "linear", is_packed)(rows).double()
        error = ours - float_output(rows, matrix, "linear")
        assert bool((error.abs() <= bound(rows, matrix, "linear")).all())


@pytest.mark.parametrize("size", [1e-12, 1e-3, 1e15])
def test_a_norm_has_its_eps_and_no_other_bound(size: float, is_packed: bool) -> None:
    weight, x = random(6, 50, seed=0), random(4, 50, seed=1) * size
    ours = layer_of(weight, "normed", is_packed)(x).double()
    error = (ours - float_output(x, weight, "normed")).abs()
    assert bool((error <= bound(x, weight, "normed")).all())


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@KIND
def test_values_that_are_no_numbers_come_out_as_none(
    kind: str, value: float, is_packed: bool
) -> None:
    layer = layer_of(random(6, 50, seed=0), kind, is_packed)
    x = random(4, 50, seed=1)
    alone = layer(x)
    x[1, 3], x[2] = value, value
    out = layer(x)
    assert not out[1:3].isfinite().any()
    assert torch.equal(out[[0, 3]], alone[[0, 3]])


@KIND
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_weights_that_are_no_numbers_are_an_error(kind: str, value: float) -> None:
    weight = random(6, 50, seed=0)
    weight[4, 2] = value
    with pytest.raises(ValueError, match="no numbers"):
        layer_of(weight, kind, is_packed=True)


@pytest.mark.parametrize("width", [1024, 8192])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_sums_fit(width: int, sign: int, is_packed: bool) -> None:
    # Each step is 127: what goes in is the same everywhere, and so is the weight.
    weight = torch.full((3, width), float(STEPS))
    x = sign * torch.full((2, width), float(STEPS))
    out = layer_of(weight, "linear", is_packed)(x)
    torch.testing.assert_close(out.double(), float_output(x, weight, "linear"), rtol=1e-5, atol=0)


def test_the_largest_value_of_a_norm_fits(is_packed: bool) -> None:
    x = torch.zeros(3, 8192)
    x[0, 5], x[1, 5], x[2, 5] = 1e6, -1e6, 1e-4
    weight = random(4, 8192, seed=0)
    out = layer_of(weight, "normed", is_packed)(x).double()
    error = (out - float_output(x, weight, "normed")).abs()
    assert bool((error <= bound(x, weight, "normed")).all())


@KIND
def test_the_way_of_accelerators_agrees(kind: str) -> None:
    weight = random(20, 96, seed=0)
    floats = layer_of(weight, kind)._floats(torch.device("cpu"))
    stored = turned(weight) if kind == "turning" else weight
    finest = stored.abs().amax(-1, keepdim=True) / STEPS
    assert bool(((floats - stored).abs() <= finest / 2 * 1.01).all())


def test_a_packed_layer_tells_its_size_and_stays_where_it_is() -> None:
    if not is_packing_exact():
        pytest.skip("this processor has no such kernel")
    layer = layer_of(random(6, 50, seed=0), "linear", is_packed=True)
    x = random(4, 50, seed=1)
    wanted = layer(x)
    moved = layer.to("meta")
    assert moved.weight.nbytes == 6 * 50
    assert torch.equal(moved(x), wanted)


@pytest.mark.parametrize("fault", ["saturates", "missing"])
def test_a_kernel_that_is_not_exact_is_not_used(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    def product(x: torch.Tensor, packed: object) -> torch.Tensor:
        if fault == "missing":
            raise NotImplementedError
        # Pairs of products in 16 bits, as without VNNI.
        return torch.full((len(x), 16), 32 * 32767 / STEPS)

    monkeypatch.setattr(int8_linear, "_packed_product", product)
    monkeypatch.setattr(int8_linear, "_pack", lambda weight, factors: None)
    assert not is_packing_exact.__wrapped__()


def test_the_kernel_and_the_plain_way_compute_alike() -> None:
    if not is_packing_exact():
        pytest.skip("this processor has no such kernel")
    weight, x = random(60, 200, seed=0), random(9, 200, seed=1)
    packed, plain = (layer_of(weight, "linear", packed)(x) for packed in (True, False))
    # Only a value in the middle between two steps may be rounded otherwise.
    assert (packed - plain).abs().max() < 1e-2 * plain.std()


@pytest.mark.parametrize("width", [1, 2, 6, 64, 192, 577, 2304])
def test_turning_twice_is_no_turn(width: int) -> None:
    x = random(5, width, seed=0)
    torch.testing.assert_close(turned(turned(x)), x)
    torch.testing.assert_close(turned(x).norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(turned_columns(x.t()), turned(x).t())
    size = len(hadamard(width))
    assert width % size == 0 and size <= 64
