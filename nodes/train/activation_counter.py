"""Counts the activations that autograd would keep for the backward pass, and keeps none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

# Latent pixels: small enough to cost nothing, a multiple of what UNets and transformers need.
PROBED_SIDE = 16


@dataclass(frozen=True)
class Activations:
    """Bytes that are kept: of all layers, or of the blocks' inputs and the largest block."""

    kept: int
    checkpointed: int


class ActivationCounter:
    """Sums the sizes of the tensors that autograd saves; a tensor counts once."""

    def __init__(self) -> None:
        self._bytes = {"text": 0, "model": 0}
        self._place = "model"
        self._seen: dict[int, Any] = {}
        self._largest_block = 0
        self._inputs = 0

    @contextmanager
    def counting(self, place: str) -> Iterator[None]:
        """Count what is saved meanwhile, as that of `text` or of the `model`."""
        self._place = place
        with torch.autograd.graph.saved_tensors_hooks(self._pack, lambda kept: kept):
            yield
        self._seen.clear()

    def _pack(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        # A parameter is no activation. The storage is held, so that its number stays its own.
        if not isinstance(tensor, torch.nn.Parameter) and storage._cdata not in self._seen:
            self._seen[storage._cdata] = storage
            self._bytes[self._place] += storage.nbytes()

    @contextmanager
    def blocks(self, modules: Sequence[torch.nn.Module]) -> Iterator[None]:
        """Count the inputs of blocks, and the block that saves most, meanwhile."""
        starts: dict[torch.nn.Module, int] = {}

        def before(module: torch.nn.Module, inputs: Any) -> None:
            starts[module] = self._bytes["model"]
            tensors = [one for one in inputs if isinstance(one, torch.Tensor)]
            self._inputs += sum(one.numel() * one.element_size() for one in tensors)

        def after(module: torch.nn.Module, inputs: Any, output: Any) -> None:
            grown = self._bytes["model"] - starts[module]
            self._largest_block = max(self._largest_block, grown)

        handles = [module.register_forward_pre_hook(before) for module in modules]
        handles += [module.register_forward_hook(after) for module in modules]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def scaled(self, factor: float) -> Activations:
        """Return the counts for latents with `factor` times the values."""
        text = self._bytes["text"]
        # A model of one or two blocks saves nothing.
        checkpointed = min(self._inputs + self._largest_block, self._bytes["model"])
        return Activations(
            text + int(self._bytes["model"] * factor), text + int(checkpointed * factor)
        )
