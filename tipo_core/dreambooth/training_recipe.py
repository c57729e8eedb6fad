"""The settings of a training, and the digest by which an interrupted one is found again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .noise_levels import AUTO, TIMESTEP_CHOICES

NOTHING, LORA, FULL, TOKEN = "none", "lora", "full", "token"
UNET_CHOICES = (LORA, FULL, NOTHING)
TEXT_ENCODER_CHOICES = (NOTHING, LORA, FULL, TOKEN)
CONSTANT, COSINE, LINEAR = "constant", "cosine", "linear"
SCHEDULES = (CONSTANT, COSINE, LINEAR)
PRECISIONS = ("fp32", "bf16")
AUTO_PRECISION = "auto"  # the host's choice for the device, made before there is a recipe
_FORMAT = 1  # raise it where the same recipe gives other weights


@dataclass(frozen=True)
class TrainingRecipe:
    """What is trained, how, and the seed of all random numbers.

    `batch_size` counts pictures of the subject; as many of the class come on top. `alpha` 0 is the
    rank. `text_encoder_rate` 0 is `learning_rate`. `min_snr_gamma`, `noise_offset`, `ema_decay`
    and `clip_norm` are off at 0.
    """

    unet: str = LORA
    text_encoder: str = NOTHING
    rank: int = 16
    alpha: float = 0.0
    targets: str = "attention"
    steps: int = 800
    batch_size: int = 1
    accumulation: int = 1
    learning_rate: float = 1e-4
    text_encoder_rate: float = 0.0
    optimizer: str = "AdamW"
    weight_decay: float = 0.01
    schedule: str = CONSTANT
    warmup: int = 0
    clip_norm: float = 1.0
    prior_weight: float = 1.0
    min_snr_gamma: float = 0.0
    noise_offset: float = 0.0
    timesteps: str = AUTO
    ema_decay: float = 0.0
    precision: str = "fp32"
    checkpointing: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.unet == NOTHING and self.text_encoder == NOTHING:
            raise ValueError("nothing is trained: set unet or text_encoder to something else")
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise ValueError(f"{name} {value!r} is unknown: choose {', '.join(choices)}")
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"{name} {value:g} is out of range: give {least:g} or more")
        if not 0.0 <= self.ema_decay < 1.0:
            raise ValueError(f"ema_decay {self.ema_decay:g} is out of range: give 0 to 0.9999")

    @property
    def lora_alpha(self) -> float:
        """The alpha of LoRA layers."""
        return self.alpha or float(self.rank)

    @property
    def text_rate(self) -> float:
        """The learning rate of the text encoder."""
        return self.text_encoder_rate or self.learning_rate

    def digest(self, data: Sequence[str]) -> str:
        """Return a digest of all that decides the weights: the recipe, and digests of the data.

        A longer training of a constant rate has the same first steps, so the number of steps
        counts for the other schedules only: raising it continues a finished training. Computing
        activations again changes nothing.
        """
        settings = asdict(self)
        del settings["checkpointing"]
        if self.schedule == CONSTANT:
            del settings["steps"]
        text = json.dumps([_FORMAT, settings, list(data)], sort_keys=True)
        return hashlib.blake2b(text.encode("utf-8"), digest_size=8).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)


_CHOICES: Mapping[str, Sequence[str]] = {
    "unet": UNET_CHOICES,
    "text_encoder": TEXT_ENCODER_CHOICES,
    "schedule": SCHEDULES,
    "precision": PRECISIONS,
    "timesteps": TIMESTEP_CHOICES,
}
_LEAST: Mapping[str, float] = {
    "rank": 1,
    "alpha": 0,
    "steps": 1,
    "batch_size": 1,
    "accumulation": 1,
    "learning_rate": 0,
    "text_encoder_rate": 0,
    "weight_decay": 0,
    "warmup": 0,
    "clip_norm": 0,
    "prior_weight": 0,
    "min_snr_gamma": 0,
    "noise_offset": 0,
}
