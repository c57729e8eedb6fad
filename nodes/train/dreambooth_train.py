"""DreamBooth Train: teaches a model a subject, and keeps its class."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import torch
from comfy_api.latest import io, ui

from ...tipo_core.dreambooth.layers.lora_targets import ATTENTION, TARGETS
from ...tipo_core.dreambooth.noise_levels import AUTO, TIMESTEP_CHOICES
from ...tipo_core.dreambooth.optimizers import DEFAULT, optimizer_names
from ...tipo_core.dreambooth.training_recipe import (
    AUTO_PRECISION,
    CONSTANT,
    LORA,
    NOTHING,
    PRECISIONS,
    SCHEDULES,
    TEXT_ENCODER_CHOICES,
    UNET_CHOICES,
    TrainingRecipe,
)
from .. import memory
from ..host_features import schema
from ..inputs import (
    ClassImagesType,
    DatasetType,
    LoraModelType,
    check_choice,
    fraction,
    report_output,
    seed_input,
    text_box,
)

_ADVANCED = (
    *("alpha", "targets", "accumulation", "text_encoder_rate", "optimizer", "weight_decay"),
    *("schedule", "warmup", "clip_norm", "min_snr_gamma", "noise_offset", "timesteps"),
    *("ema_decay", "precision", "save_every", "sample_steps", "sample_cfg"),
)


def _rate(name: str, default: float, tooltip: str) -> io.Float.Input:
    return io.Float.Input(
        name, default=default, min=0.0, max=10.0, step=1e-7, round=False, tooltip=tooltip
    )


def _count(name: str, default: int, tooltip: str, least: int = 0) -> io.Int.Input:
    return io.Int.Input(name, default=default, min=least, max=1_000_000, tooltip=tooltip)


class TipoDreamBoothTrain(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoDreamBoothTrain",
            display_name="DreamBooth Train",
            category="TIPO/training",
            search_aliases=["dreambooth", "train lora", "fine-tune", "finetune", "kohya", "lora"],
            advanced=_ADVANCED,
            shows_report=True,
            is_output_node=True,
            description="Teaches the model a subject from a few pictures, while pictures of its "
            "class keep the class (prior preservation). Trains a LoRA or all weights; the loaded "
            "model stays unchanged. Run it again after a cancel: it goes on where it stopped.",
            inputs=[
                io.Model.Input("model", tooltip="Diffusion model to train; it stays unchanged."),
                io.Clip.Input("clip", tooltip="Text encoder of the model; it stays unchanged."),
                io.Vae.Input("vae", tooltip="VAE of the model, which encodes the pictures."),
                DatasetType.Input(
                    "dataset", tooltip="Pictures of the subject, from DreamBooth Dataset."
                ),
                io.Combo.Input(
                    "unet",
                    options=list(UNET_CHOICES),
                    default=LORA,
                    tooltip="What is trained of the diffusion model: a lora, all weights (full, "
                    "needs several times the memory), or none of it.",
                ),
                io.Combo.Input(
                    "text_encoder",
                    options=list(TEXT_ENCODER_CHOICES),
                    default=NOTHING,
                    tooltip="What is trained of the text encoder: none of it, a lora, all weights "
                    "of its layers (full), or the vector of the token alone (textual inversion).",
                ),
                _count(
                    "rank",
                    16,
                    "Rank of the LoRA: more learns more detail and overfits sooner.",
                    least=1,
                ),
                io.Float.Input(
                    "alpha",
                    default=0.0,
                    min=0.0,
                    max=4096.0,
                    step=0.5,
                    tooltip="The LoRA counts alpha / rank times; 0 is the rank, which counts once.",
                ),
                io.Combo.Input(
                    "targets",
                    options=list(TARGETS),
                    default=ATTENTION,
                    tooltip="Layers with a LoRA: the attention, all linear layers of the "
                    "transformers, or the convolutions too.",
                ),
                _count("steps", 800, "Steps of the training.", least=1),
                _count(
                    "batch_size",
                    1,
                    "Pictures of the subject in a batch; as many of the class come on top.",
                    least=1,
                ),
                _count(
                    "accumulation",
                    1,
                    "Batches in a step: as a larger batch_size, but slower "
                    "and with the memory of one.",
                    least=1,
                ),
                _rate(
                    "learning_rate",
                    1e-4,
                    "About 1e-4 for a lora, 2e-6 to 5e-6 for full, 1 for Prodigy.",
                ),
                _rate(
                    "text_encoder_rate",
                    0.0,
                    "Learning rate of the text encoder; 0 is learning_rate.",
                ),
                io.Combo.Input(
                    "optimizer",
                    options=optimizer_names(),
                    default=DEFAULT,
                    tooltip="Optimizers of torch, and those of bitsandbytes, prodigyopt and "
                    "lion-pytorch if they are installed.",
                ),
                io.Float.Input(
                    "weight_decay",
                    default=0.01,
                    min=0.0,
                    max=1.0,
                    step=1e-4,
                    round=False,
                    tooltip="Share of the learning rate by which each step shrinks the trained "
                    "weights.",
                ),
                io.Combo.Input(
                    "schedule",
                    options=list(SCHEDULES),
                    default=CONSTANT,
                    tooltip="The learning rate over the steps: constant, or falling to 0 as half a "
                    "cosine or in a line.",
                ),
                _count("warmup", 0, "Steps over which the learning rate rises from 0."),
                io.Float.Input(
                    "clip_norm",
                    default=1.0,
                    min=0.0,
                    max=1000.0,
                    step=0.1,
                    tooltip="Longest gradient of a step; longer ones are shortened. 0 is off.",
                ),
                io.Float.Input(
                    "prior_weight",
                    default=1.0,
                    min=0.0,
                    max=100.0,
                    step=0.05,
                    tooltip="Weight of the class pictures in the loss; it counts only with "
                    "class_images.",
                ),
                io.Float.Input(
                    "min_snr_gamma",
                    default=0.0,
                    min=0.0,
                    max=100.0,
                    step=0.5,
                    tooltip="Weighs the noise levels evenly (min-SNR); 5 is usual, 0 is off.",
                ),
                fraction(
                    "noise_offset",
                    0.0,
                    "Adds a value for the whole picture to the noise, for very dark and bright "
                    "pictures; 0.05 is usual, 0 is off.",
                ),
                io.Combo.Input(
                    "timesteps",
                    options=list(TIMESTEP_CHOICES),
                    default=AUTO,
                    tooltip="Noise levels of the training: all alike, or the middle ones more "
                    "often. auto is the latter for flow models.",
                ),
                io.Float.Input(
                    "ema_decay",
                    default=0.0,
                    min=0.0,
                    max=0.99999,
                    step=1e-5,
                    round=False,
                    tooltip="The result is a moving average over the steps; 0.999 is usual, 0 is "
                    "off.",
                ),
                io.Combo.Input(
                    "precision",
                    options=[AUTO_PRECISION, *PRECISIONS],
                    default=AUTO_PRECISION,
                    tooltip="Number format in which the model computes. bf16 halves the memory of "
                    "activations; the trained weights are fp32 always. auto is bf16 on a card that "
                    "is fast with it, and fp32 otherwise.",
                ),
                io.Boolean.Input(
                    "gradient_checkpointing",
                    default=False,
                    tooltip="Computes activations again instead of keeping them: about a third "
                    "slower, with a fraction of the memory. The result is the same.",
                ),
                seed_input(
                    "Decides the start of the LoRA, the order of the pictures and the noise: the "
                    "same inputs and seed give the same weights on a CPU."
                ),
                _count(
                    "save_every",
                    100,
                    "Steps between two saved states, from which an "
                    "interrupted training goes on; a cancel saves one too.",
                ),
                text_box(
                    "sample_prompts",
                    "Prompts of pictures that are drawn during the training, one per line; empty "
                    "draws none.",
                ),
                _count("sample_every", 100, "Steps between two rows of samples; 0 draws none."),
                _count("sample_steps", 20, "Denoising steps of a sample.", least=1),
                io.Float.Input(
                    "sample_cfg",
                    default=5.0,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    tooltip="Classifier-free guidance of the samples.",
                ),
                io.String.Input(
                    "filename_prefix",
                    default="loras/dreambooth",
                    tooltip="The LoRA is saved under this name with a number in ComfyUI's output "
                    "folder, where loras/ is in the menu of Load LoRA. Empty saves none.",
                ),
                ClassImagesType.Input(
                    "class_images",
                    optional=True,
                    tooltip="Pictures of the subject's class, from Class Images. Without them the "
                    "whole class takes on the subject's look.",
                ),
            ],
            outputs=[
                io.Model.Output(
                    "trained_model", display_name="model", tooltip="The model with what it learned."
                ),
                io.Clip.Output(
                    "trained_clip",
                    display_name="clip",
                    tooltip="The text encoder with what it learned.",
                ),
                LoraModelType.Output(
                    "lora",
                    display_name="lora",
                    tooltip="The trained change, for Save LoRA and Load LoRA Model.",
                ),
                report_output("Pictures, trained values, memory, speed, files and losses."),
                io.Image.Output(
                    "loss_chart",
                    display_name="loss_chart",
                    tooltip="Chart of the losses over the steps.",
                ),
                io.Image.Output(
                    "samples",
                    display_name="samples",
                    tooltip="A row of samples for each time; the loss chart if none were drawn.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        clip: Any,
        vae: Any,
        dataset: Any,
        filename_prefix: str,
        gradient_checkpointing: bool,
        save_every: int,
        sample_prompts: str,
        sample_every: int,
        sample_steps: int,
        sample_cfg: float,
        seed: int,
        class_images: Any = None,
        **settings: Any,
    ) -> io.NodeOutput:
        from ...tipo_core.dreambooth.loss_report import loss_chart
        from .sample_pictures import SampleSettings
        from .training_run import TrainingInputs, train

        check_choice("optimizer", settings["optimizer"], optimizer_names())
        if settings["precision"] == AUTO_PRECISION:
            settings["precision"] = memory.training_precision(model.load_device)
        recipe = TrainingRecipe(**settings, checkpointing=gradient_checkpointing, seed=seed)
        prompts = tuple(line.strip() for line in sample_prompts.splitlines() if line.strip())
        samples = SampleSettings(prompts, sample_every, sample_steps, sample_cfg, seed)
        trained = train(
            TrainingInputs(model, clip, vae, dataset, class_images),
            recipe,
            samples,
            save_every=save_every,
            prefix=filename_prefix,
            show_text=_progress_text(cls),
        )
        chart = _image(loss_chart(trained.records))
        rows = torch.stack(trained.samples) if trained.samples else chart
        return io.NodeOutput(
            trained.model,
            trained.clip,
            dict(trained.lora),
            trained.report,
            chart,
            rows,
            ui=ui.PreviewText(trained.report),
        )


def _progress_text(node: Any) -> Any:
    """Return the function that shows a text on the running node."""
    prompt_server = importlib.import_module("server").PromptServer
    server = getattr(prompt_server, "instance", None)
    hidden = getattr(node, "hidden", None)
    unique_id = getattr(hidden, "unique_id", None)
    if server is None or unique_id is None:
        return lambda text: None
    return lambda text: server.send_progress_text(text, unique_id)


def _image(picture: Any) -> torch.Tensor:
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float32) / 255
    return torch.from_numpy(pixels)[None]


NODES = [TipoDreamBoothTrain]
