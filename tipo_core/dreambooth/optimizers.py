"""Optimizers by their names, and the learning rate over the steps."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch

from ..optional_imports import require
from .training_recipe import CONSTANT, COSINE, TrainingRecipe

# Package and class of optimizers that torch does not have.
_OTHERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "AdamW8bit": ("bitsandbytes.optim", "AdamW8bit"),
        "Lion8bit": ("bitsandbytes.optim", "Lion8bit"),
        "Prodigy": ("prodigyopt", "Prodigy"),
        "Lion": ("lion_pytorch", "Lion"),
    }
)
_TORCH = ("AdamW", "Adam", "Adafactor", "NAdam", "RAdam", "Adamax", "RMSprop", "SGD")
DEFAULT = "AdamW"


def optimizer_names() -> list[str]:
    """Return the optimizers of this installation: torch's, and those of installed packages."""
    own = [name for name in _TORCH if hasattr(torch.optim, name)]
    others = [name for name, (package, _) in _OTHERS.items() if _is_installed(package)]
    return own + others


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package.partition(".")[0]) is not None


def new_optimizer(
    recipe: TrainingRecipe, groups: Sequence[tuple[Sequence[torch.nn.Parameter], float]]
) -> torch.optim.Optimizer:
    """Return the recipe's optimizer for groups of parameters, each with its learning rate.

    Raises ValueError for an unknown name and RuntimeError for a package that is not installed.
    """
    name = recipe.optimizer
    if name in _OTHERS:
        package, kind = _OTHERS[name]
        require(package.partition(".")[0])
        made = getattr(require(package), kind)
    elif name in _TORCH and hasattr(torch.optim, name):
        made = getattr(torch.optim, name)
    else:
        raise ValueError(f"optimizer {name!r} is unknown: choose {', '.join(optimizer_names())}")
    settings: dict[str, Any] = {"weight_decay": recipe.weight_decay}
    if name == "Prodigy":
        # Mishchenko and Defazio 2024 (arXiv 2306.06101) for diffusion models.
        settings |= {"use_bias_correction": True, "safeguard_warmup": True}
    values = [{"params": list(params), "lr": rate} for params, rate in groups if params]
    optimizer: torch.optim.Optimizer = made(values, lr=recipe.learning_rate, **settings)
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    return optimizer


def rate_factor(recipe: TrainingRecipe, step: int) -> float:
    """Return the learning rate of a step, which counts from 0, as a share of the recipe's.

    After a linear warm-up the rate is constant, or falls to 0 at the end: in a line, or as half a
    cosine. The formulas are those of diffusers' get_scheduler.
    """
    if step < recipe.warmup:
        return step / recipe.warmup
    if recipe.schedule == CONSTANT:
        return 1.0
    done = (step - recipe.warmup) / max(recipe.steps - recipe.warmup, 1)
    if recipe.schedule == COSINE:
        return max(0.0, 0.5 * (1 + math.cos(math.pi * done)))
    return max(0.0, 1.0 - done)


def set_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set each group's learning rate to `factor` times its first."""
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor
