"""Encoded prompts of scenes: encoded at each step or, on a CPU, once and kept."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from tokenizers import Tokenizer

from ..model.clip_model import encode, tokens_of
from ..model.text_tower import text_tower
from .drawings import NEGATIVE, Scene, mixed_prompt


class TextEncodings:
    """Encodes texts with toy-sd's frozen text encoder; with `keep`, each text once."""

    def __init__(
        self, tokenizer: Tokenizer, device: torch.device, keep: bool = False, skip: int = 1
    ) -> None:
        """Create the text encoder with a clip skip; it runs in fp16 on an accelerator."""
        self._tokenizer = tokenizer
        self._dtype = torch.float32 if device.type == "cpu" else torch.float16
        self._weights = {
            name: torch.from_numpy(value).to(device, self._dtype)
            for name, value in text_tower().items()
        }
        self._device = device
        self._keep, self._skip = keep, skip
        self._kept: dict[str, torch.Tensor] = {}

    @torch.no_grad()
    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        """Return encodings `B, 77, 768` in fp32."""
        known = self._kept if self._keep else {}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            tokens = tokens_of(new, self._tokenizer).to(self._device)
            rows = encode(self._weights, tokens, self._skip).half()
            known.update(zip(new, rows, strict=True))
        # Autocast on a CPU cannot stack halves.
        return torch.stack([known[text].float() for text in texts])


def wording(of: Scene, rng: random.Random, prompts: int, drop: float) -> str:
    """Return a prompt for a scene or, with probability `drop`, an empty or the negative prompt.

    With `prompts` above 0, a scene has that many prompts; with 0, unlimited ones.
    """
    if rng.random() < drop:
        return rng.choice(("", NEGATIVE))
    return mixed_prompt(of, rng.randrange(prompts or 1 << 31)).text
