"""Conditioning with prompt schedules: which entries are active in each step of a sampler.

Each entry of such a conditioning has start_percent and end_percent, for other samplers, and under
`KEY` its clause (`ScheduledText`). TipoSampler takes the times away and selects the entries by
the step in progress.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

import comfy.patcher_extension
import torch

from ...tipo_core.pictures.sampling.step_calls import StepInProgress
from ...tipo_core.pictures.text.encode_report import plan_text, ranges_of, steps_text
from ...tipo_core.pictures.text.prompt_schedule import (
    Clause,
    PromptSchedule,
    ScheduledText,
    StepPlan,
)
from ...tipo_core.pictures.text.schedule_times import EARLY, StepOf, Time
from ...tipo_core.report_lines import warning
from ..memory import read_text
from .guidance_wrappers import wrap
from .rehearsal import rehearsed

# In the options of an entry of a conditioning.
KEY = "tipo_schedule"


def timed(
    conds: Sequence[Any], clause: Clause, schedule: PromptSchedule, *, is_scheduled: bool
) -> list[Any]:
    """Return core's conditioning once per time range of the clause, with its weight.

    With `is_scheduled` the entries belong to the schedule.
    """
    share = {} if clause.weight == 1.0 else {"strength": clause.weight}
    entries = []
    for number, percents in enumerate(clause.percents):
        times: dict[str, Any] = {}
        if not clause.is_always:
            times = {"start_percent": percents[0], "end_percent": percents[1]}
        if is_scheduled:
            times[KEY] = ScheduledText(schedule, clause.prompt, percents, is_first=number == 0)
        entries += [[cond, {**options, **share, **times}] for cond, options in conds]
    return entries


def without_times(conditioning: Sequence[Any]) -> list[Any]:
    """Return the conditioning with each scheduled clause once and without its time range.

    A time range that another node has set stays.
    """
    entries = []
    for cond, options in conditioning or ():
        text = options.get(KEY)
        if text is None:
            entries.append([cond, options])
        elif text.is_first:
            times = options.get("start_percent"), options.get("end_percent")
            ours = ("start_percent", "end_percent") if times == text.percents else ()
            kept = {key: value for key, value in options.items() if key not in ours}
            entries.append([cond, kept])
    return entries


class PromptSteps:
    """The prompts of each step of one sampling run.

    `steps` is the number that the user set, `conditionings` are those of the run by name.
    """

    def __init__(self, steps: int, conditionings: Mapping[str, Sequence[Any]]) -> None:
        self.steps = steps
        self.schedules = {
            name: list(dict.fromkeys(o[KEY].schedule for _, o in entries or () if KEY in o))
            for name, entries in conditionings.items()
        }
        self.plans: dict[PromptSchedule, StepPlan] = {}
        self.progress: StepInProgress | None = None

    @property
    def has_schedules(self) -> bool:
        """Whether entries of the conditionings belong to a prompt schedule."""
        return any(self.schedules.values())

    def begin(self, sigmas: Sequence[float], model_sampling: Any) -> None:
        """Plan the run for its noise levels (steps + 1)."""
        for schedule in chain.from_iterable(self.schedules.values()):
            rule = None if schedule.has_steps else _step_of_sigmas(sigmas, model_sampling)
            plan = partial(schedule.plan, self.steps, len(sigmas) - 1, rule)
            self.plans[schedule] = read_text(plan, *schedule.texts)

    def active(self, entries: Sequence[Any] | None, step: int) -> list[Any] | None:
        """Return the entries that are active in a step."""
        if entries is None:
            return None
        return [entry for entry in entries if KEY not in entry or self._is_active(entry, step)]

    def lines(self) -> list[str]:
        """Report the texts of each step, and steps that are approximate or have another text."""
        if self.progress is None:
            return []
        lines = []
        for name, schedules in self.schedules.items():
            for schedule in schedules:
                plan = self.plans[schedule]
                lines.append(f"{name}: {plan_text(plan)}")
                if plan.replaced:
                    where = steps_text(ranges_of(plan.replaced))
                    lines.append(
                        warning(
                            f"{name}, {where}: the prompt's text was not encoded and another one "
                            f"was used: set schedule_steps of the encode node to {self.steps} (now "
                            f"{schedule.steps})"
                        )
                    )
        if lines and not self.progress.is_exact:
            lines.append(warning("with this sampler the steps of the texts are approximate"))
        return lines

    def _is_active(self, entry: Mapping[str, Any], step: int) -> bool:
        text = entry[KEY]
        plan = self.plans.get(text.schedule)
        return plan is None or text.prompt in plan.prompts[step]


def _step_of_sigmas(sigmas: Sequence[float], model_sampling: Any) -> StepOf:
    """Return the first step of the run at or after a fraction of the model's timesteps."""

    def step_of(time: Time) -> int:
        if not time.is_fraction:
            return int(time.value)
        border = float(model_sampling.percent_to_sigma(float(time.value) - EARLY))
        begun = [step for step, sigma in enumerate(sigmas[:-1]) if sigma <= border]
        return begun[0] if begun else len(sigmas) - 1

    return step_of


def with_prompt_steps(model: Any, run: PromptSteps) -> Any:
    """Return a clone of a model that is sampled with the prompts of each step of `run`."""
    model = model.clone()

    def prepare(
        executor: Any,
        guider: Any,
        sigmas: torch.Tensor,
        extra_args: dict[str, Any],
        callback: Any,
        noise: torch.Tensor,
        *rest: Any,
    ) -> Any:
        levels = sigmas.tolist()
        run.begin(levels, guider.inner_model.model_sampling)
        calls, at_end = rehearsed(executor.class_obj, guider, sigmas, extra_args, noise)
        progress = run.progress = StepInProgress(levels, calls, keeps_step=at_end)

        def report(*state: Any) -> None:
            progress.report()
            if callback is not None:
                callback(*state)

        return executor(guider, sigmas, extra_args, report, noise, *rest)

    def predict(
        executor: Any, x: Any, timestep: torch.Tensor, model_options: Any = None, seed: Any = None
    ) -> Any:
        if run.progress is None:  # a prediction outside of the sampler's run
            return executor(x, timestep, model_options or {}, seed)
        step = run.progress.of_call(float(timestep[0]))
        # Core makes a new guider for each run. Patches that predict once more inside this call
        # (perturbed attention and the like) see the same entries.
        guider = executor.class_obj
        whole = guider.conds
        guider.conds = {name: run.active(entries, step) for name, entries in whole.items()}
        try:
            return executor(x, timestep, model_options or {}, seed)
        finally:
            guider.conds = whole

    wrap(model, comfy.patcher_extension.WrappersMP.SAMPLER_SAMPLE, prepare)
    wrap(model, comfy.patcher_extension.WrappersMP.PREDICT_NOISE, predict)
    return model
