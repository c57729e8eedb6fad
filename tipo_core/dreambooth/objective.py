"""The training loss of eps, v and flow models, from the denoised picture that a host predicts.

ComfyUI's `apply_model` turns what a network predicts into the denoised picture x0. The error of
the network's own prediction is the error of x0 times a factor that depends on the noise level
alone, so one loss serves all models. With x = x0 + sigma * n (flow: (1 - sigma) * x0 + sigma * n):

    predicted                                     error divided by that of x0
    eps   n                                       1 / sigma
    v     (n - sigma * x0) / sqrt(1 + sigma^2)    sqrt(1 + sigma^2) / sigma
    flow  n - x0                                  1 / sigma
    edm   as Karras et al. 2022                   1 / c_out

min-SNR (Hang et al. 2023, arXiv 2303.09556) weighs the error of x0 by min(SNR, gamma).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import torch


class Prediction(Enum):
    """What the network of a diffusion model predicts."""

    EPS = "eps"
    V = "v"
    FLOW = "flow"
    EDM = "edm"
    X0 = "x0"


@dataclass(frozen=True)
class Loss:
    """The loss that is minimised, and its parts; `prior` is None without class pictures."""

    total: torch.Tensor
    instance: torch.Tensor
    prior: torch.Tensor | None = None


def signal_to_noise(
    prediction: Prediction, sigmas: torch.Tensor, sigma_data: float = 1.0
) -> torch.Tensor:
    """Return the ratio of the variances of picture and noise at noise levels `B`."""
    if prediction is Prediction.FLOW:
        return ((1 - sigmas) / sigmas).square()
    return (sigma_data / sigmas).square()


def error_factors(
    prediction: Prediction, sigmas: torch.Tensor, sigma_data: float = 1.0
) -> torch.Tensor:
    """Return the error of the network's prediction divided by that of x0, at noise levels `B`."""
    if prediction is Prediction.X0:
        return torch.ones_like(sigmas)
    if prediction in (Prediction.EPS, Prediction.FLOW):
        return 1 / sigmas
    # c_out of Karras et al. 2022 (arXiv 2206.00364), table 1; with sigma_data 1 that of v.
    return (sigmas.square() + sigma_data**2).sqrt() / (sigmas * sigma_data)


def min_snr_factors(
    prediction: Prediction, sigmas: torch.Tensor, gamma: float, sigma_data: float = 1.0
) -> torch.Tensor:
    """Return the factors of the squared errors of the network's prediction, at noise levels `B`.

    They are min(SNR, gamma) / SNR for eps, min(SNR, gamma) / (SNR + 1) for v, and for flow
    min(SNR, gamma) * sigma^2, which weighs the error of x0 by min(SNR, gamma) too.
    """
    snr = signal_to_noise(prediction, sigmas, sigma_data)
    return snr.clamp(max=gamma) / error_factors(prediction, sigmas, sigma_data).square()


def errors(
    prediction: Prediction,
    denoised: torch.Tensor,
    clean: torch.Tensor,
    sigmas: torch.Tensor,
    sigma_data: float = 1.0,
) -> torch.Tensor:
    """Return the mean squared error of the network's prediction for each picture, `B`.

    `denoised` is the predicted and `clean` the true latent, both `B, C, ...` in fp32.
    """
    factors = error_factors(prediction, sigmas, sigma_data)
    difference = (denoised - clean) * factors.reshape(-1, *[1] * (clean.ndim - 1))
    return difference.square().flatten(1).mean(dim=1)


def dreambooth_loss(
    instance_errors: torch.Tensor,
    instance_factors: torch.Tensor | None,
    prior_errors: torch.Tensor | None,
    prior_weight: float,
) -> Loss:
    """Return the mean of the subject's errors plus `prior_weight` times that of the class.

    As in diffusers' train_dreambooth.py, the factors of min-SNR apply to the subject's half only.
    """
    weighed = instance_errors if instance_factors is None else instance_errors * instance_factors
    instance = weighed.mean()
    if prior_errors is None:
        return Loss(instance, instance)
    prior = prior_errors.mean()
    return Loss(instance + prior_weight * prior, instance, prior)
