"""Clip skip as plain numbers: from A1111's count to a layer, and its lines in the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...report_lines import warning


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
    """Whether a model has a clip skip: all its text encoders are CLIP.

    T5 and language-model encoders are trained to be read at one layer. So a model that has one of
    them next to CLIP (SD3 with T5, Flux, HiDream ...) keeps its default.
    """
    return bool(encoders) and all(encoder.is_clip for encoder in encoders)


def layer_for_skip(clip_skip: int, encoders: Sequence[TextEncoder]) -> int | None:
    """The layer of a clip skip, counted from the end; None for the model's default.

    `clip_skip` is A1111's count: 1 is the last layer, 2 the one before it. ComfyUI writes the same
    layers as -1 and -2, so the sign is ignored. Raises ValueError if an encoder has fewer
    layers.
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


def skip_lines(clip_skip: int, encoders: Sequence[TextEncoder]) -> list[str]:
    """Report the clip skip and the layer of each encoder, one line each."""
    if clip_skip and not skip_applies(encoders):
        others = ", ".join(encoder.name for encoder in encoders if not encoder.is_clip)
        why = f"the model also reads text with {others}" if others else "no CLIP encoder found"
        first = warning(
            f"clip_skip {clip_skip} does not apply ({why}): the model's default is used"
        )
    elif clip_skip:
        first = f"clip_skip {abs(clip_skip)}"
    else:
        first = "clip_skip 0: the model's default"
    return [first, *map(_layer_line, encoders)]


def _layer_line(encoder: TextEncoder) -> str:
    """Report the layer of an encoder: "clip_l: layer 11 of 12"."""
    if encoder.layer is None:
        return f"{encoder.name}: final output, all {encoder.depth} layers"
    return f"{encoder.name}: layer {encoder.depth + encoder.layer + 1} of {encoder.depth}"
