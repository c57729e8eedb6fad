"""LoRA layers: merged equals unmerged, the start follows from seed and name."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from tipo_core.dreambooth.layers.frozen_layers import operation_of
from tipo_core.dreambooth.layers.lora_adapters import LoraAdapter, new_adapter

LAYERS = {
    "linear": (lambda: torch.nn.Linear(12, 10), (2, 3, 12)),
    "1x1": (lambda: torch.nn.Conv2d(12, 10, 1), (2, 12, 5, 7)),
    "3x3": (lambda: torch.nn.Conv2d(12, 10, 3, stride=2, padding=1, dilation=1), (2, 12, 6, 7)),
    "1d": (lambda: torch.nn.Conv1d(12, 10, 3, padding=1), (2, 12, 7)),
}


def adapter(layer: Any, *, rank: int = 4, alpha: float = 2.0, seed: int = 0,
            name: str = "a.b") -> LoraAdapter:  # fmt: skip
    operation = operation_of(layer)
    assert operation is not None
    return new_adapter(name, layer.weight.shape, operation, rank=rank, alpha=alpha, seed=seed)


@pytest.mark.parametrize("name", LAYERS)
def test_merged_equals_unmerged(name: str) -> None:
    make, shape = LAYERS[name]
    layer: Any = make()
    lora = adapter(layer)
    torch.nn.init.normal_(lora.up)
    x = torch.randn(shape)
    unmerged = layer(x) + lora(x)
    with torch.no_grad():
        layer.weight += lora.weight_change()
    torch.testing.assert_close(layer(x), unmerged, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_starts_unchanged_and_learns(name: str) -> None:
    make, shape = LAYERS[name]
    lora = adapter(make())
    output = lora(torch.randn(shape))
    assert not output.any()
    output.square().sum().backward()
    (lora(torch.randn(shape)) - 1).square().sum().backward()
    assert lora.up.grad is not None and lora.up.grad.any()


def test_the_start_follows_from_seed_and_name() -> None:
    layer = torch.nn.Linear(12, 10)
    state = torch.get_rng_state()
    first = adapter(layer)
    assert torch.equal(first.down, adapter(layer).down)
    assert not torch.equal(first.down, adapter(layer, seed=1).down)
    assert not torch.equal(first.down, adapter(layer, name="a.c").down)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.down.abs().max() <= 1 / math.sqrt(12)


def test_the_rank_is_that_of_the_layer_at_most_and_the_scale_stays() -> None:
    lora = adapter(torch.nn.Linear(12, 3), rank=16, alpha=8.0)
    assert lora.rank == 3 and lora.scale == pytest.approx(0.5)
    assert lora.down.shape == (3, 12) and lora.up.shape == (3, 3)


def test_grouped_convolutions_are_refused_with_the_layers_name() -> None:
    with pytest.raises(ValueError, match=r"a\.b is a grouped convolution"):
        adapter(torch.nn.Conv2d(8, 8, 3, groups=8))
