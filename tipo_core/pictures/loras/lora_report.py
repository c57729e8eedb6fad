"""The report of the LoRAs of a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...report_lines import warning
from .lora_schedule import LoraUse
from .lora_tags import PromptTags

_MAX_RANGES = 4


@dataclass(frozen=True)
class AppliedLora:
    """A LoRA and the numbers of its keys: all, those in the model, those in the text encoder.

    `made_for` describes the keys, for a file of another model. `has_clip`: a CLIP is connected.
    """

    use: LoraUse
    keys: int
    in_model: int
    in_clip: int
    made_for: str = ""
    has_clip: bool = True

    def line(self) -> str:
        """Report the file, its weights and times, and the keys that were applied."""
        use = self.use
        if not self.in_model and not self.in_clip:
            model = "the model and the text encoder" if self.has_clip else "the model"
            return warning(
                f"LoRA '{use.file}' has no effect: none of its {self.keys} keys is in {model}. Its "
                f"keys are {self.made_for}: choose a LoRA that was made for this model."
            )
        line = f"LoRA '{use.file}': model {use.model:g}, clip {use.clip:g}"
        if use.ranges:
            line += f", {_times(use.ranges)}"
        applied = self.in_model + self.in_clip
        line += f"; {applied} of {self.keys} keys applied"
        line += f" ({self.in_model} in the model, {self.in_clip} in the text encoder)"
        if applied < self.keys:
            line += f", {self.keys - applied} not applied"
            line += ": they have no counterpart" if self.has_clip else ": no clip is connected"
        if use.ranges and not self.has_clip:
            line += ". It reaches the sampler only through the output hooks: connect a clip"
        return line


def lora_lines(applied: Sequence[AppliedLora], tags: PromptTags, notes: Sequence[str]) -> list[str]:
    """Return the report; `notes` are lines about tags without a file."""
    lines = [one.line() for one in applied]
    lines += notes
    lines += [
        warning(f"{tag.text}: {', '.join(tag.unused)} is not supported and has no effect")
        for tag in tags.loras
        if tag.unused
    ]
    lines += [warning(f"{tag}: not supported, left out") for tag in tags.unsupported]
    lines += [
        warning(f"{choice}: a LoRA in a choice is not applied until the choice is made")
        for choice in tags.choices
    ]
    return lines or ["no LoRA in the text"]


def _times(ranges: Sequence[tuple[float, float]]) -> str:
    shown = ", ".join(f"{start:.4g} to {end:.4g}" for start, end in ranges[:_MAX_RANGES])
    if len(ranges) > _MAX_RANGES:
        shown += f", ... ({len(ranges)} times)"
    return f"at {shown} of the schedule"
