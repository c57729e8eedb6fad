"""Every tensor is used, every parameter is filled, and no tensor is read twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tipo_core.lm.files.fused_weights import FusedWeights, hf_shapes, to_hf_state_dict
from tipo_core.lm.files.loader import PlainOperations
from tipo_core.lm.files.safetensors_file import SafetensorsWeights
from tipo_core.lm.files.weights import assign_weights, check_label, check_shapes
from tipo_core.lm.hub.catalog import shipped_model
from tipo_core.lm.model.config import LlamaConfig
from tipo_core.lm.model.llama import Llama

from ..conftest import random_state

Shapes = dict[str, tuple[int, ...]]


class Recorded:
    """Weights that record each read."""

    source = "weights of a test"

    def __init__(self, config: LlamaConfig) -> None:
        self.state = random_state(config)
        self.shapes: Shapes = {name: tuple(one.shape) for name, one in self.state.items()}
        self.read_names: list[str] = []

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        self.read_names.append(name)
        return self.state[name]


def empty(config: LlamaConfig) -> Llama:
    return Llama(config, PlainOperations, dtype=torch.float16, device="meta")


def test_every_tensor_is_read_once(small_config: LlamaConfig) -> None:
    weights, model = Recorded(small_config), empty(small_config)
    state = model.state_dict()
    assign_weights(model, FusedWeights(weights, state, small_config), state)
    assert sorted(weights.read_names) == sorted(weights.shapes)
    filled = to_hf_state_dict(model.state_dict(), small_config)
    assert filled.keys() == weights.shapes.keys()
    for name, parameter in filled.items():
        assert parameter.dtype is torch.float16
        assert torch.equal(parameter, weights.state[name].half())
    kept = filled["lm_head.weight"].clone()
    weights.state["lm_head.weight"].zero_()
    assert torch.equal(to_hf_state_dict(model.state_dict(), small_config)["lm_head.weight"], kept)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda shapes: shapes.pop("lm_head.weight"), "missing lm_head.weight"),
        (lambda shapes: shapes.update(surplus=(2,)), "unknown surplus"),
        (
            lambda shapes: shapes.update({"lm_head.weight": (2, 3)}),
            r"is \(2, 3\) and should be \(120",
        ),
    ],
)
def test_no_tensor_is_read_of_weights_that_do_not_fit(
    small_config: LlamaConfig, change: Callable[[Shapes], object], words: str
) -> None:
    weights = Recorded(small_config)
    change(weights.shapes)
    wanted = hf_shapes(empty(small_config).state_dict(), small_config)
    with pytest.raises(ValueError, match=rf"weights of a test does not fit a config: .*{words}"):
        check_shapes(weights, wanted, "a config", is_tied=False)
    assert weights.read_names == []


def test_a_parameter_keeps_its_dtype(small_config: LlamaConfig) -> None:
    weights, model = Recorded(small_config), empty(small_config)
    head = model.get_submodule("head")
    head.get_submodule("norm").float()
    state = model.state_dict()
    assign_weights(model, FusedWeights(weights, state, small_config), state)
    dtypes = {name: weight.dtype for name, weight in head.state_dict().items()}
    assert dtypes == {"norm.weight": torch.float32, "linear.weight": torch.float16}


SCALES = (1e-4, 3e-3, 0.02, 0.3, 1.0, 8.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("scale", SCALES)
def test_real_weights_fit_their_label(dtype: torch.dtype, scale: float) -> None:
    noise = torch.randn(64, 64, generator=torch.Generator().manual_seed(1)) * scale
    masked = torch.where(torch.rand(64, 64) < 0.9, 0.0, noise)
    for values in (noise, masked, torch.zeros(64, 64), torch.ones(64, 64), noise[0], noise[:4, :4]):
        check_label(values.to(dtype), "x", "model")


@pytest.mark.parametrize("scale", [0.003, 0.02, 0.3, 1.0])
def test_f16_and_bf16_under_the_label_of_the_other_are_refused(scale: float) -> None:
    """One has the other's size, so that the file keeps its form and loads."""
    noise = torch.randn(64, 64, generator=torch.Generator().manual_seed(2)) * scale
    with pytest.raises(ValueError, match="model labels q as BF16, but the weights can only be F16"):
        check_label(noise.half().view(torch.bfloat16), "q", "model")
    with pytest.raises(ValueError, match="model labels q as F16, but the weights can only be BF16"):
        check_label(noise.bfloat16().view(torch.float16), "q", "model")


def test_the_shipped_model_fits_its_labels() -> None:
    weights = SafetensorsWeights(shipped_model().weights)
    for name in weights.shapes:
        tensor = weights.read(name, torch.float32)
        if tensor.ndim == 2 and tensor.numel() >= 1024 and tensor.dtype is torch.float16:
            with pytest.raises(ValueError, match="can only be F16"):
                check_label(tensor.view(torch.bfloat16), name, "model")
