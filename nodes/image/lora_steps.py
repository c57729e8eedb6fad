"""LoRAs in a schedule: their borders at the steps of the sampler that runs.

Core places the keyframes of hooks by shares of the model's timesteps, and the steps of most
schedulers do not begin at these. TipoSampler places them between the noise levels of two steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import comfy.hooks
import comfy.patcher_extension
import torch

from .guidance_wrappers import wrap

_BEFORE_ALL, _AFTER_ALL = 999999999.9, -1.0  # noise levels; the first one is core's


class StepKeyframe(comfy.hooks.HookKeyframe):
    """A keyframe that comes after a share of the sampler's steps, 0 to 1.

    `start_percent` places it for other samplers.
    """

    def __init__(self, strength: float, start_percent: float, share: float) -> None:
        super().__init__(strength=strength, start_percent=start_percent)
        self.share = share

    def clone(self) -> StepKeyframe:
        """Return a copy, as core makes one when it sets keyframes."""
        copy = StepKeyframe(self.strength, self.start_percent, self.share)
        copy.start_t = self.start_t
        return copy


def has_lora_steps(conditioning: Sequence[Any]) -> bool:
    """Whether entries of a conditioning have scheduled LoRAs."""
    return any(True for _, options in conditioning for _ in _keyframes(options))


def with_lora_steps(model: Any, steps: int) -> Any:
    """Return a clone of a model whose scheduled LoRAs change at the steps of its sampler.

    `steps` is the number that the user set. Steps are counted from the first one that runs.
    """
    model = model.clone()

    def prepare(executor: Any, guider: Any, sigmas: torch.Tensor, *rest: Any) -> Any:
        levels = sigmas.tolist()
        for entries in guider.conds.values():
            for entry in entries or ():
                _place(entry, levels, steps, guider.inner_model.model_sampling)
        return executor(guider, sigmas, *rest)

    wrap(model, comfy.patcher_extension.WrappersMP.SAMPLER_SAMPLE, prepare)
    return model


def _keyframes(options: Mapping[str, Any]) -> Iterator[StepKeyframe]:
    """The keyframes of the LoRAs of an entry."""
    hooks = options.get("hooks")
    for hook in hooks.hooks if hooks else ():
        for frame in hook.hook_keyframe.keyframes:
            if isinstance(frame, StepKeyframe):
                yield frame


def _place(entry: dict[str, Any], sigmas: Sequence[float], steps: int, sampling: Any) -> None:
    """Set the noise levels at which an entry's keyframes and its encoding begin and end."""
    levels = {}
    for frame in _keyframes(entry):
        # As core's initialize_timesteps, which every run calls first.
        frame.start_t = levels[frame.start_percent] = _border(frame.share, sigmas, steps)
    start, end = entry.get("clip_start_percent"), entry.get("clip_end_percent")
    if start in levels:
        own = entry.get("start_percent", 0.0)
        entry["timestep_start"] = min(levels[start], float(sampling.percent_to_sigma(own)))
    if end in levels:
        own = entry.get("end_percent", 1.0)
        entry["timestep_end"] = max(levels[end], float(sampling.percent_to_sigma(own)))


def _border(share: float, sigmas: Sequence[float], steps: int) -> float:
    """Return a noise level between the step that comes after a share of the steps and the one
    before it."""
    step = math.floor(share * steps + 1e-6)
    if step <= 0:
        return _BEFORE_ALL
    if step >= len(sigmas) - 1:
        return _AFTER_ALL
    return (sigmas[step - 1] + sigmas[step]) / 2
