"""Which steps of a schedule are run below denoise 1: ComfyUI's own rule, or A1111's."""

from __future__ import annotations

RUN_ALL_STEPS = "run all steps"
SCALE_STEPS = "scale steps"
DENOISE_MODES = (RUN_ALL_STEPS, SCALE_STEPS)

# From here on ComfyUI runs the whole schedule (comfy.samplers.KSampler.set_steps).
_WHOLE_ABOVE = 0.9999
# A1111's cap: the first step of the schedule is always left to the noise.
_A1111_MOST = 0.999


def first_step(schedule_length: int, denoise: float) -> int:
    """Return the index of the first step that "scale steps" runs; all after it are run too.

    This is A1111's rule (`setup_img2img_steps`): length - int(min(denoise, 0.999) * length) - 1.
    `schedule_length` counts the steps that the scheduler really made: some leave steps out.
    """
    if denoise > _WHOLE_ABOVE:
        return 0
    return max(schedule_length - int(min(denoise, _A1111_MOST) * schedule_length) - 1, 0)


def check_denoise(steps: int, denoise: float, mode: str) -> None:
    """Raise ValueError for an unknown mode, no steps, or a denoise outside 0 to 1."""
    if mode not in DENOISE_MODES:
        raise ValueError(f"denoise_mode {mode!r} is not known: choose {' or '.join(DENOISE_MODES)}")
    if steps < 1:
        raise ValueError(f"steps {steps}: give 1 or more")
    if not 0.0 <= denoise <= 1.0:
        raise ValueError(f"denoise {denoise:g} is outside 0 to 1: give a value between them")
