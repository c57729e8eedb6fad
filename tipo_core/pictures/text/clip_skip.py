"""Clip skip as plain numbers: from A1111's count to a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TextEncoder:
    """One text encoder of a model.

    `layer` counts from the end (-1 is the output of the last layer); None is the encoder's own
    final output.
    """

    name: str
    depth: int
    is_clip: bool
    layer: int | None


def skip_applies(encoders: Sequence[TextEncoder]) -> bool:
    """Whether a clip skip makes sense: the model reads its text with CLIP encoders only.

    T5 and language-model encoders are trained to be read at one layer, so a model that has one
    beside CLIP (SD3 with T5, Flux, HiDream ...) is left at its default.
    """
    return bool(encoders) and all(encoder.is_clip for encoder in encoders)


def layer_for_skip(clip_skip: int, encoders: Sequence[TextEncoder]) -> int | None:
    """The layer, counted from the end, that `clip_skip` asks for; None leaves the model's default.

    `clip_skip` is A1111's count: 1 is the last layer, 2 the one before it. ComfyUI writes the same
    layers as -1 and -2, so the sign carries no meaning. Raises ValueError where an encoder is not
    that deep.
    """
    count = abs(clip_skip)
    if count == 0 or not skip_applies(encoders):
        return None
    shallowest = min(encoders, key=lambda encoder: encoder.depth)
    if count > shallowest.depth:
        raise ValueError(
            f"clip_skip {clip_skip} is out of range: text encoder '{shallowest.name}' has "
            f"{shallowest.depth} layers. Choose 1 (the last layer) to {shallowest.depth}, or 0 for "
            "the model's own default."
        )
    return -count
