"""The weights of each LoRA over time, from the tags of a prompt.

A LoRA with the same weights at every time is a patch of the model. Another one is a hook of
ComfyUI, with a keyframe at each border of its times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from ..text.schedule_forms import read_template
from ..text.schedule_times import Changes, Clock, Time, percent_of, steps_of_a1111
from .lora_tags import LoraTag, prompt_tags

# Each range of times is encoded apart.
MAX_RANGES = 200
_Weights = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class LoraUse:
    """A file, its weights, and the times at which it has them; none for all times.

    `ranges` are fractions of a schedule of `steps` steps; `percents` are the same times as
    ComfyUI's start_percent and end_percent, and `times` as they were typed, None for the first and
    the last.
    """

    file: str
    model: float
    clip: float
    ranges: tuple[tuple[float, float], ...] = ()
    percents: tuple[tuple[float, float], ...] = ()
    times: tuple[tuple[Time | None, Time | None], ...] = ()
    steps: int = 0


def lora_uses(
    text: str,
    tags: Sequence[LoraTag],
    file_of: Callable[[LoraTag], str | None],
    steps: int,
    *,
    clip_first: bool = False,
) -> tuple[LoraUse, ...]:
    """Return the LoRAs of a prompt in the order of their first tag.

    `tags` are those of the prompt; `file_of` returns the file of a tag, or None to leave it out.
    The weights of several tags of one file at one time add up; a file of weight 0 is left out.
    `steps` are those of the sampler: times are counted in its steps, as those of a prompt.
    Raises ValueError for more than MAX_RANGES changes.
    """
    order = dict.fromkeys(file for tag in tags if (file := file_of(tag)) is not None)
    if not any(tag.is_timed for tag in tags):
        weights = _weights(tags, file_of)
        return tuple(LoraUse(file, *weights[file]) for file in order if any(weights[file]))
    template, step_of = read_template(text), steps_of_a1111(steps)
    borders = _borders(template.clocks, steps)
    times: list[tuple[Fraction, _Weights]] = []
    read: dict[tuple[int, ...], _Weights] = {}  # by the readings of the clocks
    for start in sorted({Fraction(0), *borders} - {Fraction(1)}):
        readings = {clock: clock.reading(start * steps, step_of) for clock in template.clocks}
        at_start = tuple(readings.values())
        if at_start not in read:
            now = prompt_tags(template.text(readings), clip_first=clip_first).loras
            read[at_start] = _weights(now, file_of)
        weights = read[at_start]
        if not times or weights != times[-1][1]:
            times.append((start, weights))
        if len(times) > MAX_RANGES:
            raise ValueError(
                f"The prompt changes its LoRAs more than {MAX_RANGES} times: alternate fewer "
                "LoRAs, or set schedule_steps to the steps of the sampler."
            )
    return tuple(use for file in order for use in _uses(file, times, borders, steps))


def _borders(clocks: Sequence[Clock], steps: int) -> dict[Fraction, Time]:
    """The times at which a text may change, as typed, by their shares of the steps."""
    step_of = steps_of_a1111(steps)
    borders: dict[Fraction, Time] = {}
    for clock in clocks:
        if isinstance(clock, Changes):
            times = list(clock.times)
        else:
            found = clock.borders(steps, step_of)
            times = [Time(Fraction(step), is_fraction=False) for step, _ in found]
        for time in times:
            share = Fraction(step_of(time), steps)
            # A border typed as a step stays one where a fraction meets it.
            if share not in borders or not time.is_fraction:
                borders[share] = time
    return borders


def _weights(tags: Sequence[LoraTag], file_of: Callable[[LoraTag], str | None]) -> _Weights:
    """The sums of the weights of model and CLIP, by file."""
    weights: _Weights = {}
    for tag in tags:
        file = file_of(tag)
        if file is not None:
            model, clip = weights.get(file, (0.0, 0.0))
            weights[file] = (model + tag.model, clip + tag.clip)
    return weights


def _uses(
    file: str,
    times: Sequence[tuple[Fraction, _Weights]],
    borders: Mapping[Fraction, Time],
    steps: int,
) -> list[LoraUse]:
    """A file's uses: one for all times, or one for each of its weights."""
    ranges: dict[tuple[float, float], list[tuple[Fraction, Fraction]]] = {}
    ends = (*(start for start, _ in times[1:]), Fraction(1))
    for (start, weights), end in zip(times, ends, strict=True):
        active = ranges.setdefault(weights.get(file, (0.0, 0.0)), [])
        if active and active[-1][1] == start:
            active[-1] = (active[-1][0], end)
        else:
            active.append((start, end))
    is_constant = len(ranges) == 1
    uses = []
    for (model, clip), active in ranges.items():
        if not (model or clip):
            continue
        if is_constant:
            return [LoraUse(file, model, clip)]
        shown = tuple((float(start), float(end)) for start, end in active)
        typed = tuple((borders.get(start), borders.get(end)) for start, end in active)
        percents = tuple(
            (_percent(start, borders, steps), _percent(end, borders, steps))
            for start, end in active
        )
        uses.append(LoraUse(file, model, clip, shown, percents, typed, steps))
    return uses


def _percent(share: Fraction, borders: Mapping[Fraction, Time], steps: int) -> float:
    is_step = share in borders and not borders[share].is_fraction
    return percent_of(share, steps, is_step)


class Keyframe(NamedTuple):
    """A time from which a hook has a strength: as start_percent, and as a share of the steps.

    `time` is the time as typed, None for the first.
    """

    percent: float
    strength: float
    share: float
    time: Time | None = None


def keyframes(use: LoraUse) -> list[Keyframe]:
    """Return the keyframes of a hook that is on in the ranges of `use`."""
    frames = [] if use.ranges[0][0] == 0 else [Keyframe(0.0, 0.0, 0.0)]
    following = [*(start for start, _ in use.ranges[1:]), 1.0]
    for percents, shares, times, next_start in zip(
        use.percents, use.ranges, use.times, following, strict=True
    ):
        frames.append(Keyframe(percents[0], 1.0, shares[0], times[0]))
        if shares[1] < next_start:
            frames.append(Keyframe(percents[1], 0.0, shares[1], times[1]))
    return frames
