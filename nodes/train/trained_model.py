"""A diffusion model of ComfyUI as the training sees it: schedule, noisy latents, predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import comfy.model_sampling
import torch
from comfy.ldm.modules.attention import attention_pytorch

from ...tipo_core.dreambooth.noise_levels import NoiseSchedule
from ...tipo_core.dreambooth.objective import Prediction
from .caption_conditions import can_join, joined

_PREDICTIONS = (
    # Subclasses first: EDM is a V_PREDICTION, and both are EPS; None has no loss here.
    ("IMG_TO_IMG", None),
    ("IMG_TO_IMG_FLOW", None),
    ("EDM", Prediction.EDM),
    ("V_PREDICTION", Prediction.V),
    ("V_PREDICTION_DDPM", Prediction.V),
    ("X0", Prediction.X0),
    ("EPS", Prediction.EPS),
    ("CONST", Prediction.FLOW),
)


def schedule_of(model_sampling: Any) -> NoiseSchedule:
    """Return the noise levels of a model and what it predicts.

    Raises ValueError for a kind of model that has no loss here.
    """
    prediction = _prediction_of(model_sampling)
    if prediction is None:
        raise ValueError(
            f"models of the kind {_kinds(model_sampling)} cannot be trained: choose a model that "
            "predicts noise (SD1.x, SDXL), v (SD2.x) or the flow (SD3, Flux)"
        )
    sigma_data = float(getattr(model_sampling, "sigma_data", 1.0))
    return NoiseSchedule(_copy(model_sampling.sigmas), prediction, sigma_data)


def _prediction_of(model_sampling: Any) -> Prediction | None:
    for name, prediction in _PREDICTIONS:
        kind = getattr(comfy.model_sampling, name, None)
        if kind is not None and isinstance(model_sampling, kind):
            return prediction
    return None


def _kinds(model_sampling: Any) -> str:
    return ", ".join(kind.__name__ for kind in type(model_sampling).__bases__)


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    """Return a copy outside inference mode."""
    with torch.inference_mode(False), torch.no_grad():
        return tensor.detach().to("cpu", torch.float32, copy=True)


class TrainedModel:
    """Predictions of a loaded model for latents of any sizes."""

    def __init__(self, patcher: Any) -> None:
        self._patcher = patcher
        self._model = patcher.model
        self.schedule = schedule_of(patcher.get_model_object("model_sampling"))

    def denoised(
        self,
        latents: Sequence[torch.Tensor],
        noises: Sequence[torch.Tensor],
        sigmas: torch.Tensor,
        arguments: Sequence[dict[str, Any]],
    ) -> list[torch.Tensor]:
        """Return the predicted latents `C, ...` for latents with noise at the levels `B`.

        Pictures whose shapes and conditions fit together are computed in one batch.
        """
        results: dict[int, torch.Tensor] = {}
        for places in _groups(latents, arguments):
            device = self._patcher.load_device
            clean = torch.stack([latents[place] for place in places]).to(device)
            noise = torch.stack([noises[place] for place in places]).to(device)
            levels = sigmas[places].to(device)
            sampling = self._model.model_sampling
            # Core's samplers call it so; max_denoise is for the first step of sampling alone.
            noisy = sampling.noise_scaling(levels, noise, clean, False)
            predicted = self._model.apply_model(
                noisy,
                levels,
                **joined([arguments[place] for place in places]),
                transformer_options=self._options(levels),
            )
            results |= dict(zip(places, predicted.float(), strict=True))
        return [results[place] for place in range(len(latents))]

    def _options(self, sigmas: torch.Tensor) -> dict[str, Any]:
        options = dict(self._patcher.model_options.get("transformer_options", {}))
        # torch's attention has a gradient with every setting of ComfyUI (Sage attention has none).
        options.setdefault("optimized_attention_override", _torch_attention)
        return {**options, "cond_or_uncond": [0], "uuids": [0], "sigmas": sigmas}


def _torch_attention(_: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
    attended: torch.Tensor = attention_pytorch(*args, **kwargs)
    return attended


def _groups(
    latents: Sequence[torch.Tensor], arguments: Sequence[dict[str, Any]]
) -> list[list[int]]:
    groups: list[list[int]] = []
    for place, latent in enumerate(latents):
        for group in groups:
            first = group[0]
            same = latents[first].shape == latent.shape
            if same and can_join(arguments[first], arguments[place]):
                group.append(place)
                break
        else:
            groups.append([place])
    return groups
