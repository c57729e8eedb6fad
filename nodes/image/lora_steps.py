"""LoRAs in a schedule: their borders at the steps of the sampler that runs.

Core places the keyframes of hooks by shares of the model's timesteps, and the steps of most
schedulers do not begin at these. TipoSampler places them between the noise levels of two steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import comfy.hooks
import comfy.patcher_extension
import torch

from ...tipo_core.pictures.loras.lora_schedule import Keyframe
from ...tipo_core.pictures.text.schedule_times import steps_of_a1111
from ...tipo_core.report_lines import warning
from .guidance_wrappers import wrap

_BEFORE_ALL, _AFTER_ALL = 999999999.9, -1.0  # noise levels; the first one is core's


class StepKeyframe(comfy.hooks.HookKeyframe):
    """A keyframe that knows its step; `schedule_steps` is the input of the node that made it.

    `start_percent` places it for other samplers.
    """

    def __init__(self, frame: Keyframe, schedule_steps: int) -> None:
        super().__init__(strength=frame.strength, start_percent=frame.percent)
        self.frame = frame
        self.schedule_steps = schedule_steps

    def clone(self) -> StepKeyframe:
        """Return a copy, as core makes one when it sets keyframes."""
        copy = StepKeyframe(self.frame, self.schedule_steps)
        copy.start_t = self.start_t
        return copy

    def step(self, steps: int) -> int:
        """Return the first step with this strength, for a sampler of `steps` steps."""
        return int(steps_of_a1111(steps)(self.frame.time)) if self.frame.time else 0


def has_lora_steps(conditioning: Sequence[Any]) -> bool:
    """Whether entries of a conditioning have scheduled LoRAs."""
    return any(True for _, options in conditioning for _ in _keyframes(options))


def lora_lines(conditioning: Sequence[Any], steps: int) -> list[str]:
    """Report the steps at which LoRAs change; several LoRAs may change at one."""
    frames = [frame for _, options in conditioning for frame in _keyframes(options)]
    changes = sorted({frame.step(steps) for frame in frames} - {0})
    reached = [str(step + 1) for step in changes if step < steps]
    lines = [f"LoRAs change at step {', '.join(reached)}" if reached else "no LoRA changes"]
    others = {frame.schedule_steps for frame in frames} - {steps}
    if others:
        lines.append(
            warning(
                f"Load LoRAs from Prompt looked for changes in schedule_steps {max(others)}: if "
                f"one is missing, set it to {steps}"
            )
        )
    return lines


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
        frame.start_t = levels[frame.start_percent] = _border(frame.step(steps), sigmas)
    start, end = entry.get("clip_start_percent"), entry.get("clip_end_percent")
    if start in levels:
        own = entry.get("start_percent", 0.0)
        entry["timestep_start"] = min(levels[start], float(sampling.percent_to_sigma(own)))
    if end in levels:
        own = entry.get("end_percent", 1.0)
        entry["timestep_end"] = max(levels[end], float(sampling.percent_to_sigma(own)))


def _border(step: int, sigmas: Sequence[float]) -> float:
    """Return a noise level between a step and the one before it."""
    if step <= 0:
        return _BEFORE_ALL
    if step >= len(sigmas) - 1:
        return _AFTER_ALL
    return (sigmas[step - 1] + sigmas[step]) / 2
