"""Clip skip as plain numbers: from A1111's count to a layer, and the report of what was encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


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


def chunk_token_counts(tokens: Any) -> dict[str, list[int]]:
    """Tokens of text in each chunk, by encoder, start, end and padding left out.

    `tokens` is what ComfyUI's `clip.tokenize(text, return_word_ids=True)` returns: for each encoder
    a list of chunks of (token, weight, word id), where word id 0 marks a token that is not text.
    """
    if not isinstance(tokens, Mapping):
        return {}
    return {
        name: [sum(entry[2] != 0 for entry in chunk) for chunk in chunks]
        for name, chunks in tokens.items()
        if all(len(entry) == 3 for chunk in chunks for entry in chunk)
    }


def layer_text(encoder: TextEncoder) -> str:
    """Where the encoder is read, in words: "clip_l: layer 11 of 12"."""
    if encoder.layer is None:
        return f"{encoder.name}: final output, all {encoder.depth} layers"
    return f"{encoder.name}: layer {encoder.depth + encoder.layer + 1} of {encoder.depth}"


def encode_report(
    clip_skip: int, encoders: Sequence[TextEncoder], chunk_tokens: Mapping[str, Sequence[int]]
) -> str:
    """What was done, a line each: the skip, the layer of each encoder, the tokens of each chunk."""
    if clip_skip and not skip_applies(encoders):
        others = ", ".join(encoder.name for encoder in encoders if not encoder.is_clip)
        why = f"the model also reads text with {others}" if others else "no CLIP encoder found"
        lines = [f"clip_skip {clip_skip} does not apply ({why}); the model's default is used"]
    elif clip_skip:
        lines = [f"clip_skip {abs(clip_skip)}"]
    else:
        lines = ["clip_skip 0: as the model came"]
    lines += [layer_text(encoder) for encoder in encoders]
    for name, counts in chunk_tokens.items():
        chunks = "1 chunk" if len(counts) == 1 else f"{len(counts)} chunks"
        lines.append(f"{name}: {chunks}, tokens of text {' + '.join(map(str, counts))}")
    return "\n".join(lines)
