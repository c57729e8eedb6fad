"""toy-sd's packed weights: matrices as int8 with one scale per row, all else in fp16.

The trained weights are packed; `make_checkpoint` unpacks them, adds the text encoder, and writes a
checkpoint for ComfyUI. It needs numpy and safetensors only.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from .text_tower import text_tower

SCALE = ".int8_scale"
# Packing smaller matrices saves nothing; the autoencoder is small, and its errors are visible.
_LEAST = 4096
_WHOLE = "first_stage_model."

Weights = dict[str, np.ndarray]


def packed(weights: Mapping[str, np.ndarray]) -> Weights:
    """Return weights with each large matrix as `NAME` in int8 and `NAME.int8_scale` in fp32.

    A row holds the weights of one output. Its scale is its largest magnitude / 127, so an error is
    at most half the scale.
    """
    small: Weights = {}
    for name, value in weights.items():
        if value.ndim < 2 or value.size < _LEAST or name.startswith(_WHOLE):
            small[name] = np.ascontiguousarray(value, np.float16)
            continue
        rows = value.astype(np.float32).reshape(len(value), -1)
        scale = np.abs(rows).max(axis=1) / 127
        steps = rows / np.where(scale, scale, 1)[:, None]
        small[name] = np.rint(steps).astype(np.int8).reshape(value.shape)
        small[name + SCALE] = scale
    return small


def unpacked(small: Mapping[str, np.ndarray]) -> Weights:
    """Return packed weights in fp16. Raises KeyError for a missing scale."""
    weights: Weights = {}
    for name, value in small.items():
        if name.endswith(SCALE):
            continue
        if value.dtype == np.int8:
            scale = small[name + SCALE].reshape(-1, *(1,) * (value.ndim - 1))
            weights[name] = (value * scale).astype(np.float16)
        else:
            weights[name] = value
    return weights


def make_checkpoint(file: Path, checkpoint: Path) -> None:
    """Write a checkpoint that opens in ComfyUI, as SD1.5, from a file of packed weights.

    Raises ValueError if the file does not hold packed weights.
    """
    try:
        weights = unpacked(load_file(file))
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"{file} does not hold the packed weights of toy-sd: {error}") from error
    save_file(weights | text_tower(), checkpoint)
