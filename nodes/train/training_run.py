"""Runs a training in ComfyUI from its recipe: state, progress, samples, results, report."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import folder_paths
import torch

from ...tipo_core.dreambooth.loss_report import duration, loss_rows
from ...tipo_core.dreambooth.memory_estimate import (
    MemoryEstimate,
    estimate_memory,
    memory_advice,
)
from ...tipo_core.dreambooth.training_loop import StepRecord, TrainingRun
from ...tipo_core.dreambooth.training_pictures import PictureSet
from ...tipo_core.dreambooth.training_recipe import FULL, NOTHING, TOKEN, TrainingRecipe
from ...tipo_core.memory import is_out_of_memory
from ...tipo_core.pictures.files.file_prefix import safe_prefix
from ...tipo_core.report_lines import warnings_of
from ...tipo_core.units import bytes_text
from .. import memory
from .caption_conditions import training_mode
from .model_digest import model_digest
from .sample_pictures import SampleSettings, draw_samples, strip
from .trained_parts import layer_tensors
from .trained_results import (
    as_lora_model,
    check_prefix,
    save_lora,
    save_token_vectors,
    with_lora,
    with_token_vectors,
)
from .training_session import TrainingSession

_log = logging.getLogger("tipo-suite")
STATES = "tipo-training"  # in ComfyUI's output folder
_NO_CLASS = "no class_images: the whole class takes on the subject's look"
_NO_LORA = "all weights were trained, so there is no LoRA file: connect Save Checkpoint"
_SHOWN_EVERY = 0.5  # seconds between two texts of the progress


@dataclass(frozen=True)
class TrainingInputs:
    """The links of the node."""

    model: Any
    clip: Any
    vae: Any
    subject: PictureSet
    class_set: PictureSet | None


@dataclass(frozen=True)
class Trained:
    """The results of a training; `samples` are rows of pictures (`H, W, 3`), one for each time."""

    model: Any
    clip: Any
    lora: Mapping[str, torch.Tensor]
    records: list[StepRecord]
    samples: list[torch.Tensor]
    files: list[Path]
    report: str


def train(
    inputs: TrainingInputs,
    recipe: TrainingRecipe,
    samples: SampleSettings,
    *,
    save_every: int,
    prefix: str,
    show_text: Any,
) -> Trained:
    """Run a training to its end, from its saved state if there is one.

    The model and the CLIP of the inputs are not changed, whatever happens. The state of the last
    whole step is saved after a cancel and after an error too. Raises RuntimeError with remedies if
    memory runs out, and ValueError for a file name that cannot be.
    """
    prefix = safe_prefix(prefix.strip())
    check_prefix(prefix)
    estimate = MemoryEstimate(0, 0, 0)
    device = inputs.model.load_device
    free = memory.free_bytes(device)
    try:
        with training_mode():
            session = TrainingSession(
                inputs.model, inputs.clip, inputs.vae, inputs.subject, inputs.class_set, recipe
            )
            counted = session.activation_bytes()
            estimate = estimate_memory(
                recipe, session.parts.count, counted.kept, counted.checkpointed
            )
            session.reserve(estimate.total)
            run = TrainingRun(
                recipe,
                session.parts.parameters(),
                session.loss,
                _state_file(inputs, recipe),
                save_every,
            )
            resumed_at = run.step if run.resume() else None
            follower = _Follower(session, inputs.vae, samples, show_text)
            with session.injected():
                try:
                    run.run(follower.after_step)
                except BaseException:  # a cancel is no Exception in newer cores
                    _tell_saved(run, show_text)
                    raise
            if recipe.ema_decay:
                session.parts.set(run.result())
            return _results(inputs, recipe, session, run, follower, prefix, estimate, resumed_at)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        # The traceback of the error holds the tensors of the failed step.
        raise RuntimeError(memory_advice(recipe, estimate, str(device), free)) from None


def _state_file(inputs: TrainingInputs, recipe: TrainingRecipe) -> Path:
    """Return the file of the training's state, which follows from all that decides the weights."""
    data = [
        model_digest(inputs.model),
        model_digest(inputs.clip.patcher),
        str(inputs.clip.layer_idx),
        model_digest(inputs.vae.patcher),
        inputs.subject.digest,
        inputs.class_set.digest if inputs.class_set else "",
    ]
    folder = Path(folder_paths.get_output_directory()) / STATES
    return folder / f"{recipe.digest(data)}.safetensors"


class _Follower:
    """Shows the progress of a training and draws its samples."""

    def __init__(
        self, session: TrainingSession, vae: Any, settings: SampleSettings, show_text: Any
    ) -> None:
        self._session, self._vae, self._settings = session, vae, settings
        self._show_text = show_text
        self._bar = memory.step_progress(session.recipe.steps)
        self._shown_at = 0.0
        self.samples: list[torch.Tensor] = []
        self.started, self.first_step, self.sampling = time.monotonic(), 0, 0.0

    def after_step(self, run: TrainingRun) -> None:
        """Show the step; draw samples where they are due."""
        if not self.first_step:
            self.first_step = run.step
        settings, picture = self._settings, None
        is_last = run.step == run.recipe.steps
        if settings.prompts and settings.every and (run.step % settings.every == 0 or is_last):
            begin = time.monotonic()
            pictures = draw_samples(self._session, self._vae, settings)
            self.samples.append(torch.cat(pictures, dim=1))
            picture = strip(pictures)
            self._session.go_on()
            self.sampling += time.monotonic() - begin
        now = time.monotonic()
        if picture is not None or is_last or now - self._shown_at > _SHOWN_EVERY:
            self._shown_at = now
            self._bar(run.step, picture)
            self._show_text(self._text(run, now))

    def _text(self, run: TrainingRun, now: float) -> str:
        record = run.records[-1]
        done = run.step - self.first_step + 1
        each = (now - self.started) / done
        left = duration(each * (run.recipe.steps - run.step))
        return (
            f"step {run.step}/{run.recipe.steps}\nloss {record.loss:.4f}, smoothed "
            f"{run.smoothed_loss:.4f}\nlearning rate {record.rate:.3g}\n{left} left"
        )

    def speed(self, run: TrainingRun) -> str:
        """Return the speed of the steps without the samples, '' where none ran."""
        if not self.first_step:
            return ""
        seconds = time.monotonic() - self.started - self.sampling
        steps = run.step - self.first_step + 1
        return f"{steps} steps in {duration(seconds)}, {steps / max(seconds, 1e-9):.3g} a second"


def _tell_saved(run: TrainingRun, show_text: Any) -> None:
    """Say after a cancel or an error from which step the same inputs go on."""
    if run.saved_step:
        text = (
            f"DreamBooth Train stopped after step {run.step} of {run.recipe.steps}: the state of "
            f"step {run.saved_step} is saved, the same inputs and settings go on from it"
        )
        _log.info(text)
        show_text(text)


def _results(
    inputs: TrainingInputs,
    recipe: TrainingRecipe,
    session: TrainingSession,
    run: TrainingRun,
    follower: _Follower,
    prefix: str,
    estimate: MemoryEstimate,
    resumed_at: int | None,
) -> Trained:
    parts = session.parts
    is_full = FULL in (recipe.unet, recipe.text_encoder)
    session.load()  # samples may have unloaded it
    tensors = layer_tensors({**parts.unet, **parts.text}, session.original)
    lora = as_lora_model(tensors)
    model, clip = with_lora(inputs.model, inputs.clip, lora)
    files = []
    trigger = inputs.subject.token or inputs.subject.prompt
    if prefix and tensors and not is_full:
        config = inputs.model.model.model_config.unet_config
        files.append(save_lora(prefix, tensors, recipe, config, trigger))
    if recipe.text_encoder == TOKEN:
        clip = with_token_vectors(clip, parts.vectors)
        if prefix:
            files.append(save_token_vectors(f"{prefix}_token", parts.vectors))
    pictures = len(inputs.subject.pictures)
    of_class = f", {len(inputs.class_set.pictures)} of the class" if inputs.class_set else ""
    lines = [
        f"DreamBooth: {pictures} pictures of the subject{of_class}",
        f"trained: {_trained_text(recipe)}, {parts.count:,} values",
        *(() if inputs.class_set else (_NO_CLASS,)),
        f"memory besides the model: about {bytes_text(estimate.total)}",
        *([f"went on from step {resumed_at}"] if resumed_at is not None else []),
        *([speed] if (speed := follower.speed(run)) else []),
        *warnings_of(run.notes),
        *warnings_of(_model_notes(inputs.model)),
        *inputs.subject.notes,
        *(inputs.class_set.notes if inputs.class_set else ()),
        *(f"saved: {_shown_path(path)}" for path in files),
        *([_NO_LORA] if prefix and is_full else []),
        f"state: {_shown_path(run.state_file)}" if run.state_file else "",
        "",
        *loss_rows(run.records),
    ]
    return Trained(model, clip, lora, run.records, follower.samples, files, "\n".join(lines))


def _model_notes(model: Any) -> list[str]:
    """Return a line if other packs wrap the model's functions: the training does not see that."""
    kinds = [
        kind for kind, by_key in getattr(model, "wrappers", {}).items() if any(by_key.values())
    ]
    if "model_function_wrapper" in model.model_options:
        kinds.append("model_function_wrapper")
    if not kinds:
        return []
    return [f"wrappers on the model count when it draws, not in the training: {', '.join(kinds)}"]


def _trained_text(recipe: TrainingRecipe) -> str:
    parts = []
    if recipe.unet != NOTHING:
        what = f"{recipe.unet} ({recipe.targets}, rank {recipe.rank})"
        parts.append(f"model {what if recipe.unet != FULL else FULL}")
    if recipe.text_encoder != NOTHING:
        parts.append(f"text encoder {recipe.text_encoder}")
    return ", ".join(parts)


def _shown_path(path: Path) -> str:
    """Return a path below ComfyUI's output folder: full paths are nobody's business in pictures."""
    return str(path.relative_to(folder_paths.get_output_directory()))
