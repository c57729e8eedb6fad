"""Captions as the conditions of a diffusion model, with gradients where the encoder is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import comfy.sampler_helpers
import comfy.samplers
import torch

from ...tipo_core.dreambooth.training_pictures import TrainingPicture


class TokenVectors(torch.nn.Module):
    """Trained vectors in place of a token's rows: one `N, D` for each text encoder.

    `ids` are the numbers of the token in each encoder's vocabulary: a rare word may be several.
    """

    def __init__(self, ids: dict[str, list[int]], rows: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.ids = ids
        self.rows = torch.nn.ParameterDict(
            {name: torch.nn.Parameter(one.detach().float().clone()) for name, one in rows.items()}
        )

    def put_into(self, tokens: dict[str, Any]) -> dict[str, Any]:
        """Return ComfyUI's tokens with the vectors in all places of the token."""
        replaced = dict(tokens)
        for name, ids in self.ids.items():
            replaced[name] = [_replaced(chunk, ids, self.rows[name]) for chunk in tokens[name]]
        return replaced


def _replaced(chunk: list[Any], ids: list[int], rows: torch.Tensor) -> list[Any]:
    chunk = list(chunk)
    for start in range(len(chunk) - len(ids) + 1):
        here = chunk[start : start + len(ids)]
        if all(isinstance(one[0], int) for one in here) and [one[0] for one in here] == ids:
            for place, one in enumerate(here):
                chunk[start + place] = (rows[place], *one[1:])
    return chunk


class CaptionEncoder:
    """Encodes captions with a CLIP of ComfyUI, whose clip skip and patches apply.

    `is_trained` says that the result has to have gradients; otherwise each caption is encoded once.
    """

    def __init__(self, clip: Any, is_trained: bool, vectors: TokenVectors | None = None) -> None:
        self._clip, self._is_trained, self._vectors = clip, is_trained, vectors
        self._encoded: dict[str, dict[str, Any]] = {}

    def encode(self, captions: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the condition of each caption as ComfyUI's samplers take it."""
        if self._is_trained and torch.is_grad_enabled():
            return {caption: self._condition(caption) for caption in dict.fromkeys(captions)}
        if self._is_trained:
            self._encoded.clear()  # the weights have changed
        with torch.no_grad():
            for caption in captions:
                if caption not in self._encoded:
                    self._encoded[caption] = self._condition(caption)
        return {caption: self._encoded[caption] for caption in captions}

    def _condition(self, caption: str) -> dict[str, Any]:
        tokens = self._clip.tokenize(caption)
        if self._vectors is not None:
            tokens = self._vectors.put_into(tokens)
        encoded = self._clip.encode_from_tokens(tokens, return_pooled=True, return_dict=True)
        return {**encoded, "caption": caption}


def as_conditioning(condition: dict[str, Any]) -> list[Any]:
    """Return a condition of `CaptionEncoder` as the value of a CONDITIONING link."""
    rest = {name: one for name, one in condition.items() if name not in ("cond", "caption")}
    return [[condition["cond"], rest]]


def model_conditions(
    model: Any,
    condition: dict[str, Any],
    picture: TrainingPicture,
    latent: torch.Tensor,
    device: torch.device,
) -> dict[str, Any]:
    """Return the arguments of a model for one picture: the host's own extra conditions included.

    `latent` is `C, ...`; sizes and crops that SDXL reads are those of the picture.
    """
    ((cond, rest),) = as_conditioning(condition)
    sizes: dict[str, int] = {}
    if picture.original_size is not None:
        height, width = latent.shape[-2] * 8, latent.shape[-1] * 8
        sizes = {
            "width": picture.original_size[0],
            "height": picture.original_size[1],
            "crop_w": picture.crop[0],
            "crop_h": picture.crop[1],
            "target_width": width,
            "target_height": height,
        }
    (encoded,) = comfy.samplers.encode_model_conds(
        model.extra_conds,
        comfy.sampler_helpers.convert_cond([[cond, {**rest, **sizes}]]),
        latent[None],
        device,
        "positive",
        latent_image=latent[None],
    )
    return {
        name: one.process_cond(batch_size=1, device=device, area=None)
        for name, one in encoded["model_conds"].items()
    }


def can_join(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether the arguments of two pictures fit into one batch."""
    return one.keys() == other.keys() and all(one[name].can_concat(other[name]) for name in one)


def joined(arguments: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the arguments of a batch."""
    batch: dict[str, Any] = comfy.samplers.cond_cat(list(arguments))
    return batch


@contextmanager
def training_mode() -> Iterator[None]:
    """Leave the inference mode in which ComfyUI runs nodes."""
    with torch.inference_mode(False), torch.enable_grad():
        yield
