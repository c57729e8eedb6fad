"""Linear layers with int8 weights: near the float layers, and rows are independent."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from tipo_core.lm.kernels import int8_linear
from tipo_core.lm.kernels.int8_linear import (
    Int8Linear,
    Int8Operations,
    Int8RMSNormLinear,
    OnlineHadamardLinear,
    hadamard_matrix,
    hadamard_rotate,
    hadamard_rotate_columns,
    has_exact_int8_kernel,
    quantize_rows,
)

EPS = 1e-5
STEPS = 127
Layer = Int8Linear | Int8RMSNormLinear
KINDS = ("linear", "rotating", "normed")
KIND = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(params=[True, False], ids=["packed", "plain"])
def is_packed(request: pytest.FixtureRequest) -> bool:
    """Whether the layers of a test are packed for the kernel."""
    if request.param and not has_exact_int8_kernel():
        pytest.skip("this processor has no such kernel")
    return bool(request.param)


def layer_of(weight: torch.Tensor, kind: str, is_packed: bool = False) -> Layer:
    """Return a layer with `weight` (`O, I`)."""
    outputs, inputs = weight.shape
    if kind == "normed":
        layer: Layer = Int8RMSNormLinear(inputs, outputs, EPS, Int8Operations)
    elif kind == "rotating":
        layer, weight = OnlineHadamardLinear(inputs, outputs), hadamard_rotate(weight)
    else:
        layer = Int8Linear(inputs, outputs)
    layer.scales.data = quantize_rows(weight, layer.weight.data)
    if is_packed:
        layer.pack()
    return layer


def float_output(x: torch.Tensor, weight: torch.Tensor, kind: str) -> torch.Tensor:
    """Return the output of a float layer, in fp64."""
    x = x.double()
    if kind == "normed":
        x = functional.rms_norm(x, x.shape[-1:], eps=EPS)
    return x @ weight.double().t()


def bound(x: torch.Tensor, weight: torch.Tensor, kind: str) -> torch.Tensor:
    """Return the largest error of the int8 product, `N, O`.

    Half a step of the weight for each input value, and half a step of the input for each weight;
    besides these only the rounding of fp32, or of fp16 after hadamard_rotate.
    """
    rounding = 1e-5
    if kind == "rotating":
        x, weight, rounding = hadamard_rotate(x), hadamard_rotate(weight), 2e-3
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
def test_the_error_is_within_the_quantization_steps(kind: str, is_packed: bool) -> None:
    @given(st.integers(1, 20), sizes, sizes, exponents, exponents, st.integers(0, 9))
    @settings(max_examples=60)
    def check(rows: int, inputs: int, outputs: int, of_x: int, of_weight: int, seed: int) -> None:
        x = random(rows, inputs, seed=seed) * 10.0**of_x
        # Rows of different magnitude.
        x = x * 10 ** random(rows, 1, seed=seed + 1)
        weight = random(outputs, inputs, seed=seed + 2) * 10.0**of_weight
        weight = weight * 10 ** random(outputs, 1, seed=seed + 3)
        before = x.clone()
        ours = layer_of(weight, kind, is_packed)(x).double()
        error = (ours - float_output(x, weight, kind)).abs()
        assert bool((error <= bound(x, weight, kind)).all())
        assert torch.equal(x, before)

    check()


def test_int8_is_near_fp32_in_a_wide_layer(is_packed: bool) -> None:
    weight, x = random(256, 768, seed=0), random(32, 768, seed=1)
    # An outlier, which leaves the others no steps until the rotation spreads it.
    x[:, 5] = 60.0
    wanted = float_output(x, weight, "rotating")
    errors = {
        kind: (layer_of(weight, kind, is_packed)(x) - wanted).std() / wanted.std()
        for kind in ("linear", "rotating")
    }
    assert errors["rotating"] < 2e-2 < 3 * errors["linear"]


@KIND
@pytest.mark.parametrize("width", [2, 7, 48, 192, 577])
def test_a_row_does_not_depend_on_the_other_rows(kind: str, width: int, is_packed: bool) -> None:
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
def test_the_number_of_threads_does_not_change_the_result(kind: str, is_packed: bool) -> None:
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
def test_zeros_give_zeros(kind: str, is_packed: bool) -> None:
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
def test_nan_and_infinite_inputs_give_non_finite_outputs(
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
def test_nan_and_infinite_weights_are_an_error(kind: str, value: float) -> None:
    weight = random(6, 50, seed=0)
    weight[4, 2] = value
    with pytest.raises(ValueError, match="NaN or infinite"):
        layer_of(weight, kind, is_packed=True)


@pytest.mark.parametrize("width", [1024, 8192])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_sums_do_not_overflow(width: int, sign: int, is_packed: bool) -> None:
    # All inputs are equal, and all weights, so each quantized value is 127.
    weight = torch.full((3, width), float(STEPS))
    x = sign * torch.full((2, width), float(STEPS))
    out = layer_of(weight, "linear", is_packed)(x)
    torch.testing.assert_close(out.double(), float_output(x, weight, "linear"), rtol=1e-5, atol=0)


def test_the_largest_output_of_a_norm_does_not_overflow(is_packed: bool) -> None:
    x = torch.zeros(3, 8192)
    x[0, 5], x[1, 5], x[2, 5] = 1e6, -1e6, 1e-4
    weight = random(4, 8192, seed=0)
    out = layer_of(weight, "normed", is_packed)(x).double()
    error = (out - float_output(x, weight, "normed")).abs()
    assert bool((error <= bound(x, weight, "normed")).all())


@KIND
def test_the_computation_for_accelerators_agrees(kind: str) -> None:
    weight = random(20, 96, seed=0)
    floats = layer_of(weight, kind).dequantized(torch.device("cpu"))
    stored = hadamard_rotate(weight) if kind == "rotating" else weight
    finest = stored.abs().amax(-1, keepdim=True) / STEPS
    assert bool(((floats - stored).abs() <= finest / 2 * 1.01).all())


def test_a_packed_layer_keeps_its_size_and_its_device() -> None:
    if not has_exact_int8_kernel():
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
        # Pairs of products summed in 16 bits, as without VNNI.
        return torch.full((len(x), 16), 32 * 32767 / STEPS)

    monkeypatch.setattr(int8_linear, "packed_product", product)
    monkeypatch.setattr(int8_linear, "pack_matrix", lambda weight, scales: None)
    assert not has_exact_int8_kernel.__wrapped__()


def test_the_kernel_agrees_with_integer_products() -> None:
    if not has_exact_int8_kernel():
        pytest.skip("this processor has no such kernel")
    weight, x = random(60, 200, seed=0), random(9, 200, seed=1)
    packed, plain = (layer_of(weight, "linear", packed)(x) for packed in (True, False))
    # Only a value halfway between two steps may be rounded differently.
    assert (packed - plain).abs().max() < 1e-2 * plain.std()


@pytest.mark.parametrize("width", [1, 2, 6, 64, 192, 577, 2304])
def test_rotating_twice_is_the_identity(width: int) -> None:
    x = random(5, width, seed=0)
    torch.testing.assert_close(hadamard_rotate(hadamard_rotate(x)), x)
    torch.testing.assert_close(hadamard_rotate(x).norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(hadamard_rotate_columns(x.t()), hadamard_rotate(x).t())
    size = len(hadamard_matrix(width))
    assert width % size == 0 and size <= 64
