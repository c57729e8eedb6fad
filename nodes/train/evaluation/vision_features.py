"""Features of pictures and prompts from the encoders of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ... import memory
from ..injected_layers import weights_of
from ..trained_parts import encoders_of

_BATCH = 16  # pictures of one size that an encoder sees at a time
# A file without a projection leaves memory as it was found: zeros, NaN, or numbers of any size.
_LARGEST_WEIGHT = 100.0


def picture_features(vision: Any, pictures: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return features (N, D) of pictures (`H, W, 3` in 0..1) from a CLIP_VISION.

    CLIP's are its image embedding, DINO's the class token. Each picture is cut to a square around
    its centre, as CLIP Vision Encode does.
    """
    rows = []
    for batch in same_sizes(pictures):
        memory.check_interrupt()
        with torch.inference_mode():
            encoded = vision.encode_image(torch.stack(batch), crop=True)
        rows.append(encoded["image_embeds"].detach().to("cpu", torch.float32).flatten(1))
    return torch.cat(rows)


def same_sizes(pictures: Sequence[torch.Tensor]) -> list[list[torch.Tensor]]:
    """Return pictures in batches of one size each, in their order."""
    batches: list[list[torch.Tensor]] = []
    for picture in pictures:
        pixels = picture[..., :3].float()
        if not batches or len(batches[-1]) == _BATCH or batches[-1][0].shape != pixels.shape:
            batches.append([])
        batches[-1].append(pixels)
    return batches


def prompt_features(clip: Any, prompts: Sequence[str], width: int) -> torch.Tensor:
    """Return CLIP's text embeddings (P, `width`) of prompts, projected as for its pictures.

    Raises ValueError if the text encoder has no projection of that width: its answers are for a
    diffusion model then, not for a comparison with pictures.
    """
    pooled, projection = _pooled(clip, prompts), None
    if pooled is not None:
        projection = _projection(clip, pooled.shape[1])
    if pooled is None or projection is None:
        raise ValueError(
            "clip has no text projection, which compares prompts with pictures: connect the text "
            "encoder that belongs to clip_vision, with its projection, through Load CLIP"
        )
    if len(projection) != width:
        raise ValueError(
            f"clip gives {len(projection)} features of a prompt and clip_vision {width} of a "
            "picture: connect the two halves of one CLIP model"
        )
    return pooled @ projection.T


def _pooled(clip: Any, prompts: Sequence[str]) -> torch.Tensor | None:
    """Return the pooled vectors (P, W) of prompts before the projection; None where none exist."""
    rows = []
    with torch.inference_mode():
        for prompt in prompts:
            memory.check_interrupt()
            tokens = clip.tokenize(prompt)
            rows.append(clip.encode_from_tokens(tokens, return_pooled="unprojected")[1])
    if any(row is None or row.ndim != 2 for row in rows):
        return None
    return torch.cat([row.detach().to("cpu", torch.float32) for row in rows])


def _projection(clip: Any, width: int) -> torch.Tensor | None:
    """Return the projection (P, `width`) of the encoder that gives the pooled vectors, or None."""
    for encoder in encoders_of(clip).values():
        layer = getattr(encoder.transformer, "text_projection", None)
        if layer is None or layer.weight.shape[1] != width:
            continue
        weight = weights_of(layer)[0].detach().to("cpu", torch.float32)
        if _is_trained(weight):
            return weight
    return None


def _is_trained(weight: torch.Tensor) -> bool:
    """Return whether a projection may come from a file: no identity, and no unset memory."""
    if not bool(weight.isfinite().all()) or float(weight.abs().max()) > _LARGEST_WEIGHT:
        return False
    if float((weight == 0).float().mean()) > 0.5:  # the identity too
        return False
    return bool((weight.norm(dim=1) > 1e-4).all())
