"""The steps of a schedule that are run below denoise 1.

"run all steps" is ComfyUI's rule: it makes a longer schedule and runs the last `steps` steps of it.
"scale steps" is A1111's rule (`first_step`): it runs a share of the schedule.
"""

from __future__ import annotations

RUN_ALL_STEPS = "run all steps"
SCALE_STEPS = "scale steps"
DENOISE_MODES = (RUN_ALL_STEPS, SCALE_STEPS)

# Above it ComfyUI runs the whole schedule (comfy.samplers.KSampler.set_steps).
_WHOLE_ABOVE = 0.9999
_A1111_MAX_DENOISE = 0.999


def first_step(schedule_length: int, denoise: float) -> int:
    """Return the index of the first step that "scale steps" runs, up to the last step.

    This is A1111's rule (`setup_img2img_steps`): length - int(min(denoise, 0.999) * length) - 1.
    `schedule_length` is the number of steps that the scheduler made, which may differ from the
    number requested.
    """
    if denoise > _WHOLE_ABOVE:
        return 0
    return max(schedule_length - int(min(denoise, _A1111_MAX_DENOISE) * schedule_length) - 1, 0)


def check_denoise(steps: int, denoise: float, mode: str) -> None:
    """Raise ValueError for an unknown mode, less than one step, or a denoise outside 0 to 1."""
    if mode not in DENOISE_MODES:
        raise ValueError(f"denoise_mode {mode!r} is not known: choose {' or '.join(DENOISE_MODES)}")
    if steps < 1:
        raise ValueError(f"steps {steps}: give 1 or more")
    if not 0.0 <= denoise <= 1.0:
        raise ValueError(f"denoise {denoise:g} is outside 0 to 1: give a value between them")
