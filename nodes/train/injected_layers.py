"""Trained weights in the layers of a model that ComfyUI manages.

ComfyUI's injections replace the `forward` of single layers while a clone of the model is loaded,
and put it back before the model is unloaded, saved or used by another clone. Tensors of the
checkpoint are never written. Checkpoints are loaded in inference mode, where autograd refuses to
save tensors: linear and convolution layers save none of theirs (see `frozen_layers`), small ones
(norms) give a copy, and all others are seen through a tensor outside inference mode that shares
their memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import comfy.ops
import torch
from comfy.patcher_extension import PatcherInjection
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from ...tipo_core.dreambooth.layers.frozen_layers import ReadWeights, frozen, operation_of
from ...tipo_core.dreambooth.layers.lora_adapters import LoraAdapter
from ...tipo_core.dreambooth.layers.owned_weights import OwnedWeights
from ..memory import check_interrupt

INJECTION = "tipo-suite-training"
Trained = Mapping[str, "LoraAdapter | OwnedWeights"]  # by the layer's name in the model
Forward = Callable[..., torch.Tensor]


class InjectedLayers:
    """The replaced layers of one model: put in by `inject`, taken out by `eject`.

    `checkpointed` are modules whose activations are computed again in the backward pass.
    `adds_in_place` says that the model adds to the input of its norms in place, as ComfyUI's CLIP
    does: the norms keep a copy then.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        trained: Trained,
        checkpointed: tuple[torch.nn.Module, ...] = (),
        *,
        adds_in_place: bool = False,
    ) -> None:
        self._model, self._trained, self._checkpointed = model, trained, checkpointed
        self._adds_in_place = adds_in_place
        self._replaced: list[tuple[torch.nn.Module, bool]] = []
        self._seen: list[tuple[dict[str, Any], str, Any, Any]] = []

    def as_injection(self) -> PatcherInjection:
        """Return the pair of functions that ComfyUI's patcher calls."""
        return PatcherInjection(inject=lambda _: self.inject(), eject=lambda _: self.eject())

    def inject(self) -> None:
        """Replace the layers; a second call changes nothing."""
        if self._replaced or self._seen:
            return
        for name, layer in self._model.named_modules():
            forward = _forward_of(layer, self._trained.get(name))
            if forward is not None:
                if self._adds_in_place and isinstance(layer, torch.nn.LayerNorm):
                    forward = _on_copy(forward)
                self._replace(layer, forward)
            else:
                self._share(layer._parameters)
                self._share(layer._buffers)
        for module in self._checkpointed:
            self._replace(module, _checkpointed(module.forward))

    def eject(self) -> None:
        """Put the layers back; without `inject` before, nothing changes."""
        for layer, had_own in reversed(self._replaced):
            # Another pack may have set a forward of its own: it was saved as an attribute.
            before = layer.__dict__.pop("_tipo_forward", None)
            if had_own:
                layer.forward = before
            else:
                layer.__dict__.pop("forward", None)
        self._replaced.clear()
        for tensors, name, shared, original in self._seen:
            if tensors.get(name) is shared:  # ComfyUI may have moved the tensor meanwhile
                tensors[name] = original
        self._seen.clear()

    def _replace(self, layer: torch.nn.Module, forward: Forward) -> None:
        had_own = "forward" in layer.__dict__
        if had_own:
            layer.__dict__["_tipo_forward"] = layer.__dict__["forward"]
        layer.__dict__["forward"] = forward
        self._replaced.append((layer, had_own))

    def _share(self, tensors: dict[str, Any]) -> None:
        for name, original in list(tensors.items()):
            if original is None or original.is_meta:
                continue
            if not original.is_inference() and not original.requires_grad:
                continue
            if type(original) not in (torch.Tensor, torch.nn.Parameter):
                continue  # quantised tensors have no plain memory
            shared = outside_inference(original)
            if isinstance(original, torch.nn.Parameter):
                shared = torch.nn.Parameter(shared, requires_grad=False)
            tensors[name] = shared
            self._seen.append((tensors, name, shared, original))


def outside_inference(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor over the same memory that autograd may save."""
    with torch.inference_mode(False), torch.no_grad():
        shared = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
        shared.set_(
            tensor.untyped_storage(), tensor.storage_offset(), tensor.size(), tensor.stride()
        )
        return shared


def _reader(layer: Any) -> ReadWeights:
    """Return the function that reads a layer's weights as ComfyUI does for its own forward."""

    @contextmanager
    def read(dtype: torch.dtype, device: torch.device) -> Iterator[Any]:
        # ComfyUI casts, moves and patches the weights of offloaded and quantised layers here.
        with torch.no_grad():
            weight, bias, stream = comfy.ops.cast_bias_weight(
                layer, dtype=dtype, device=device, bias_dtype=dtype, offloadable=True
            )
            if hasattr(layer, "convert_weight"):  # scaled fp8
                weight = layer.convert_weight(weight, inplace=False).to(dtype)
            if type(weight) not in (torch.Tensor, torch.nn.Parameter):
                weight = weight.dequantize().to(dtype)
            try:
                yield weight, bias
            finally:
                comfy.ops.uncast_bias_weight(layer, weight, bias, stream)

    return read


def weights_of(layer: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return fp32 copies of a loaded layer's weight and bias on the CPU, patches included."""
    with _reader(layer)(torch.float32, layer.weight.device) as (weight, bias):
        return _cpu_copy(weight), None if bias is None else _cpu_copy(bias)


def _cpu_copy(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to("cpu", torch.float32, copy=True)


def _forward_of(layer: Any, trained: LoraAdapter | OwnedWeights | None) -> Forward | None:
    """Return the forward of a layer with trained weights, None to leave the layer as it is."""
    if not hasattr(layer, "comfy_cast_weights") or getattr(layer, "weight", None) is None:
        return None
    operation = operation_of(layer)
    if isinstance(trained, OwnedWeights):
        return _owned_forward(layer, trained)
    read = _reader(layer)
    if operation is not None:

        def forward(x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
            check_interrupt()
            output = frozen(x, operation, read)
            return output if trained is None else output + trained(x)

        return forward
    if isinstance(layer, (torch.nn.GroupNorm, torch.nn.LayerNorm)):

        def normalise(x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
            with read(x.dtype, x.device) as (weight, bias):
                # A copy outside inference mode; autograd saves it. It has one value per channel.
                own = weight.clone(), None if bias is None else bias.clone()
            return _norm(layer, x, *own)

        return normalise
    return None


def _on_copy(forward: Forward) -> Forward:
    return lambda x, *args, **kwargs: forward(x.clone(), *args, **kwargs)


def _owned_forward(layer: Any, owned: OwnedWeights) -> Forward:
    operation = operation_of(layer)

    def forward(x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        check_interrupt()
        weight = owned.weight.to(x.dtype)
        bias = None if owned.bias is None else owned.bias.to(x.dtype)
        return _norm(layer, x, weight, bias) if operation is None else operation(x, weight, bias)

    return forward


def _norm(layer: Any, x: torch.Tensor, weight: Any, bias: Any) -> torch.Tensor:
    if isinstance(layer, torch.nn.GroupNorm):
        return functional.group_norm(x, layer.num_groups, weight, bias, layer.eps)
    return functional.layer_norm(x, layer.normalized_shape, weight, bias, layer.eps)


def _checkpointed(forward: Forward) -> Forward:
    """Return a forward that keeps its inputs only and runs again in the backward pass."""

    def run(*args: Any, **kwargs: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*args, **kwargs)
        # ComfyUI changes the options of the transformer from block to block.
        given = [dict(one) if isinstance(one, dict) else one for one in args]
        kept = {name: dict(v) if isinstance(v, dict) else v for name, v in kwargs.items()}

        def again(*inputs: Any) -> Any:
            # A patch may write into the options too: both passes begin with the same ones.
            own = [dict(one) if isinstance(one, dict) else one for one in inputs]
            named = {name: dict(v) if isinstance(v, dict) else v for name, v in kept.items()}
            return forward(*own, **named)

        return checkpoint(again, *given, use_reentrant=False, preserve_rng_state=False)

    return run


def checkpointed_blocks(model: torch.nn.Module) -> tuple[torch.nn.Module, ...]:
    """Return the blocks of a diffusion model: the modules in its lists and sequences.

    A single layer keeps nothing but its input, so it is not worth computing again.
    """
    containers = (torch.nn.ModuleList, torch.nn.Sequential, torch.nn.ModuleDict)
    found: list[torch.nn.Module] = []

    def search(module: torch.nn.Module) -> None:
        for child in module.children():
            if isinstance(child, containers):
                search(child)
            elif isinstance(module, containers) and next(child.children(), None) is not None:
                found.append(child)

    search(model)
    return tuple(found)
