"""Which steps of a schedule are run below denoise 1: ComfyUI's rule and A1111's."""

from __future__ import annotations

RUN_ALL_STEPS = "run all steps"
SCALE_STEPS = "scale steps"
DENOISE_MODES = (RUN_ALL_STEPS, SCALE_STEPS)

# From here on core runs the whole schedule (comfy.samplers.KSampler.set_steps).
_WHOLE_ABOVE = 0.9999
# A1111's cap: the first step of the schedule is always left to the noise.
_A1111_MOST = 0.999


def schedule_steps(steps: int, denoise: float, mode: str) -> int:
    """Return for how many steps the schedule is computed; 0 where nothing is run.

    "run all steps" is ComfyUI's rule (`KSampler.set_steps`): a schedule of int(steps / denoise)
    steps. "scale steps" is A1111's (`setup_img2img_steps`): a schedule of `steps`.
    Raises ValueError for an unknown mode, no steps, or a denoise outside 0 to 1.
    """
    _check(steps, denoise, mode)
    if denoise == 0.0:
        return 0
    if denoise > _WHOLE_ABOVE or mode == SCALE_STEPS:
        return steps
    return int(steps / denoise)


def first_step(schedule_length: int, steps: int, denoise: float, mode: str) -> int:
    """Return the index of the first step of a schedule that is run; all behind it are run too.

    `schedule_length` counts the steps that the scheduler really made: some leave steps out, so
    that it may differ from `schedule_steps`. "run all steps" keeps the last `steps`; "scale steps"
    begins at length - int(min(denoise, 0.999) * length) - 1. Raises as `schedule_steps` does.
    """
    _check(steps, denoise, mode)
    if denoise > _WHOLE_ABOVE:
        return 0
    if denoise == 0.0:
        return schedule_length
    if mode == RUN_ALL_STEPS:
        return max(schedule_length - steps, 0)
    return max(schedule_length - int(min(denoise, _A1111_MOST) * schedule_length) - 1, 0)


def _check(steps: int, denoise: float, mode: str) -> None:
    if mode not in DENOISE_MODES:
        raise ValueError(f"denoise_mode {mode!r} is not known: choose {' or '.join(DENOISE_MODES)}")
    if steps < 1:
        raise ValueError(f"steps {steps}: give 1 or more")
    if not 0.0 <= denoise <= 1.0:
        raise ValueError(f"denoise {denoise:g} is outside 0 to 1: give a value between them")
