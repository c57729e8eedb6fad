"""Gradients pass through a frozen layer as through torch's own, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from tipo_core.dreambooth.layers.frozen_layers import (
    ReadWeights,
    Weights,
    frozen,
    operation_of,
)

LAYERS = {
    "linear": (lambda: torch.nn.Linear(6, 5), (2, 3, 6)),
    "linear without bias": (lambda: torch.nn.Linear(6, 5, bias=False), (4, 6)),
    "1x1": (lambda: torch.nn.Conv2d(6, 4, 1), (2, 6, 5, 7)),
    "3x3": (lambda: torch.nn.Conv2d(6, 4, 3, stride=2, padding=1), (2, 6, 5, 7)),
    "groups": (lambda: torch.nn.Conv2d(6, 4, 3, groups=2, dilation=2), (1, 6, 8, 7)),
    "1d": (lambda: torch.nn.Conv1d(6, 4, 3, padding=1), (2, 6, 9)),
    "3d": (lambda: torch.nn.Conv3d(6, 4, 3, padding=1), (1, 6, 3, 4, 5)),
}


def reader(layer: Any, log: list[str] | None = None) -> ReadWeights:
    @contextmanager
    def read(dtype: torch.dtype, device: torch.device) -> Iterator[Weights]:
        if log is not None:
            log.append("read")
        bias = None if layer.bias is None else layer.bias.to(device, dtype)
        yield layer.weight.to(device, dtype), bias
        if log is not None:
            log.append("closed")

    return read


@pytest.mark.parametrize("name", LAYERS)
def test_output_and_gradient_are_torchs(name: str) -> None:
    make, shape = LAYERS[name]
    with torch.inference_mode():
        layer = make()  # as ComfyUI loads a checkpoint
    plain = make()
    with torch.no_grad():
        for one, other in zip(plain.parameters(), layer.parameters(), strict=True):
            one.copy_(other)
    x = torch.randn(shape, requires_grad=True)
    y = x.detach().clone().requires_grad_()
    operation = operation_of(layer)
    assert operation is not None
    output = frozen(x, operation, reader(layer))
    wanted = plain(y)
    torch.testing.assert_close(output, wanted)
    direction = torch.randn_like(wanted)
    output.backward(direction)
    wanted.backward(direction)
    torch.testing.assert_close(x.grad, y.grad)


def test_a_weight_in_inference_mode_is_refused_by_torch_itself() -> None:
    with torch.inference_mode():
        layer = torch.nn.Linear(3, 3)
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved"):
        layer(torch.randn(2, 3, requires_grad=True))


def test_no_weight_is_saved_and_both_reads_are_closed() -> None:
    layer = torch.nn.Linear(8, 8)
    kept: list[torch.Tensor] = []
    log: list[str] = []
    x = torch.randn(2, 8, requires_grad=True)
    operation = operation_of(layer)
    assert operation is not None

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = frozen(x, operation, reader(layer, log))
    output.sum().backward()
    assert kept == [] and log == ["read", "closed", "read", "closed"]
    assert layer.weight.grad is None


def test_a_read_is_closed_after_an_error() -> None:
    layer = torch.nn.Linear(8, 8)
    closed = []

    @contextmanager
    def read(dtype: torch.dtype, device: torch.device) -> Iterator[Weights]:
        try:
            yield layer.weight, layer.bias
        finally:
            closed.append(True)

    operation = operation_of(layer)
    assert operation is not None
    with pytest.raises(RuntimeError):
        frozen(torch.randn(2, 7), operation, read)
    assert closed == [True]


def test_half_precision_gives_gradients_of_its_input() -> None:
    layer = torch.nn.Linear(4, 4)
    x = torch.randn(2, 4, dtype=torch.bfloat16, requires_grad=True)
    operation = operation_of(layer)
    assert operation is not None
    frozen(x, operation, reader(layer)).sum().backward()
    assert x.grad is not None and x.grad.dtype == torch.bfloat16


def test_other_layers_have_no_operation() -> None:
    assert operation_of(torch.nn.LayerNorm(4)) is None
    assert operation_of(torch.nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect")) is None
