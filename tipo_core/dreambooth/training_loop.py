"""The loop of a training: losses, optimizer steps, the saved state, and going on from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch

from .objective import Loss
from .optimizers import new_optimizer, rate_factor, set_rate
from .run_state import RunState, damaged, load_state, save_state
from .training_recipe import TrainingRecipe
from .weight_average import WeightAverage

_SMOOTHING = 0.95  # share of the smoothed loss that a step keeps


class StepRecord(NamedTuple):
    """A row of the loss curve; `prior` is NaN without class pictures."""

    step: int
    loss: float
    instance: float
    prior: float
    rate: float
    norm: float


# The loss of a step's accumulated batch: step and batch count from 0.
LossOf = Callable[[int, int], Loss]


@dataclass
class TrainingRun:
    """A training in progress.

    `groups` are the trained parameters by name: those of the diffusion model, those of the text
    encoder; they are changed in place. Data and noise of a step follow from its number, so the
    weights, the optimizer and the average are the whole state. `state_file` None saves nothing.
    """

    recipe: TrainingRecipe
    groups: tuple[Mapping[str, torch.nn.Parameter], Mapping[str, torch.nn.Parameter]]
    loss_of: LossOf
    state_file: Path | None = None
    save_every: int = 0
    step: int = 0
    saved_step: int = 0  # of the state in the file; 0 without one
    records: list[StepRecord] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = [name for group in self.groups for name in group]
        if not names:
            raise ValueError("no layer of the model fits the chosen targets: choose others")
        if len(set(names)) != len(names):
            raise ValueError("two trained parameters have the same name")
        unet, text = (list(group.values()) for group in self.groups)
        recipe = self.recipe
        self._is_whole = True
        self._optimizer = new_optimizer(
            recipe, [(unet, recipe.learning_rate), (text, recipe.text_rate)]
        )
        self._average = (
            WeightAverage(self.parameters, recipe.ema_decay) if recipe.ema_decay else None
        )

    @property
    def parameters(self) -> dict[str, torch.nn.Parameter]:
        """All trained parameters by name."""
        return {name: one for group in self.groups for name, one in group.items()}

    @property
    def smoothed_loss(self) -> float:
        """The moving average of the loss over about 20 steps."""
        return smoothed([record.loss for record in self.records])[-1]

    def result(self) -> dict[str, torch.Tensor]:
        """Return copies of the trained weights: their average if the recipe has one."""
        weights: Mapping[str, torch.Tensor] = (
            self._average.weights if self._average else self.parameters
        )
        return {name: weight.detach().cpu().clone() for name, weight in weights.items()}

    def resume(self) -> bool:
        """Go on from the saved state if there is one that fits; return whether there was."""
        state = load_state(self.state_file) if self.state_file else None
        if state is not None and state.step > self.recipe.steps:
            self.notes.append(f"a saved training of {state.step} steps is longer; it is kept")
            state = self._shorter_state()
        if state is None:
            return False
        parameters = self.parameters
        shapes = {name: one.shape for name, one in parameters.items()}
        averages = self._average.weights if self._average else {}
        for found, wanted in ((state.weights, shapes), (state.average, averages)):
            if found.keys() != wanted.keys() or any(
                found[name].shape != shapes[name] for name in found
            ):
                raise ValueError(
                    f"the saved training {self.state_file} has other layers than this model: "
                    "delete the file to start anew"
                )
        assert self.state_file is not None
        try:
            self._optimizer.load_state_dict(state.optimizer)
            records = [StepRecord(int(row[0]), *row[1:]) for row in state.records]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError) as error:
            raise damaged(self.state_file, error) from error
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(state.weights[name])
            for name, average in averages.items():
                average.copy_(state.average[name])
        self.step = self.saved_step = state.step
        self.records[:] = records
        return True

    def _shorter_state(self) -> RunState | None:
        """Choose a file for this number of steps beside the longer training's; return its state."""
        assert self.state_file is not None
        name = f"{self.state_file.stem}-{self.recipe.steps}{self.state_file.suffix}"
        self.state_file = self.state_file.with_name(name)
        return load_state(self.state_file)

    def run(self, after_step: Callable[[TrainingRun], None] = lambda run: None) -> None:
        """Train up to the recipe's last step; `after_step` is called after each.

        The state is saved every `save_every` steps, at the end, and before any exception leaves,
        a cancel included. Raises FloatingPointError if the loss is NaN or infinite.
        """
        try:
            while self.step < self.recipe.steps:
                self._train_step()
                if self.save_every and self.step % self.save_every == 0:
                    self.save()
                after_step(self)
        finally:
            self._optimizer.zero_grad(set_to_none=True)
            # An error within the optimizer leaves weights of no step: the older state stays.
            if self.step != self.saved_step and self._is_whole:
                self.save()

    def save(self) -> None:
        """Save the state."""
        if self.state_file is None:
            return
        save_state(
            self.state_file,
            RunState(
                step=self.step,
                records=[list(record) for record in self.records],
                weights=dict(self.parameters),
                average=dict(self._average.weights) if self._average else {},
                optimizer=self._optimizer.state_dict(),
                recipe=self.recipe.as_json(),
            ),
        )
        self.saved_step = self.step

    def _train_step(self) -> None:
        recipe = self.recipe
        self._optimizer.zero_grad(set_to_none=True)
        parts = []
        for place in range(recipe.accumulation):
            loss = self.loss_of(self.step, place)
            (loss.total / recipe.accumulation).backward()
            prior = math.nan if loss.prior is None else loss.prior.item()
            parts.append((loss.total.item(), loss.instance.item(), prior))
        total, instance, prior = (sum(part) / len(part) for part in zip(*parts, strict=True))
        parameters = list(self.parameters.values())
        norm = torch.nn.utils.clip_grad_norm_(parameters, recipe.clip_norm or math.inf).item()
        if not math.isfinite(total) or not math.isfinite(norm):
            raise FloatingPointError(
                f"the loss of step {self.step + 1} is {total:g}, its gradient {norm:g}: lower the "
                "learning rate, set clip_norm to 1, or set precision to fp32"
            )
        factor = rate_factor(recipe, self.step)
        set_rate(self._optimizer, factor)
        rate = self._optimizer.param_groups[0]["lr"]
        self._is_whole = False
        self._optimizer.step()
        self.step += 1
        if self._average:
            self._average.update(self.parameters, self.step)
        self._is_whole = True
        self.records.append(StepRecord(self.step, total, instance, prior, rate, norm))


def smoothed(losses: list[float]) -> list[float]:
    """Return the moving average at each step, corrected for its start."""
    averages, average, weight = [], 0.0, 0.0
    for loss in losses:
        average = _SMOOTHING * average + (1 - _SMOOTHING) * loss
        weight = _SMOOTHING * weight + (1 - _SMOOTHING)
        averages.append(average / weight)
    return averages
