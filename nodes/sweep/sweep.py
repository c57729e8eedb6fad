"""TIPO Sweep: lists of parameters that run the graph once per cell of a grid."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io, ui

from ...tipo_core.pictures.sampling.axis import CHECKPOINT, NAMES, NO_AXIS, PARAMETERS, VAE
from ...tipo_core.pictures.sampling.sweep import NEGATIVE, TEXT, sweep_of
from ...tipo_core.pictures.sampling.value_lists import Value
from ...tipo_core.pictures.vae.vae_choice import CONNECTED_CHOICE
from ..host_features import schema
from ..inputs import (
    SweepType,
    clip_skip_input,
    fraction,
    linked_text,
    report_output,
    sampler_choices,
    sampling_inputs,
    text_output,
)
from ..vae.vae_files import listed_checkpoints, vae_sources
from .choice_output import ChoiceOutput

UNLESS_SWEPT = "of all pictures, unless columns or rows change it"
VALUES_TOOLTIP = (
    "separated by commas. Numbers may be ranges start:end:step: 4:12:2 is 4, 6, 8, 10, 12; "
    "12:4:-2 falls; 1:4 counts in ones. Lists and ranges mix: 1, 4:8:2. A1111's 3-7(0.5), "
    "1-10 [5] and DPM++ 2M Karras work too. For prompt S/R the first value is the text to be "
    "replaced."
)


def sweep_choices(*parameters: str) -> dict[str, list[str]]:
    """Return the names of samplers and schedulers, and of files that an axis may list."""
    choices = sampler_choices()
    if CHECKPOINT in parameters or VAE in parameters:
        # Looks through the folders of VAEs.
        choices |= {
            CHECKPOINT: listed_checkpoints(),
            VAE: [name for name in vae_sources().choices() if name != CONNECTED_CHOICE],
        }
    return choices


def _cells(output: Any, name: str, parameter: str, target: str, **options: Any) -> io.Output:
    """Return the output of one parameter's values."""
    tooltip = f"For {target}: one {parameter} per cell, row by row, or one for all cells."
    return output(name, display_name=parameter, is_output_list=True, tooltip=tooltip, **options)


class TipoSweep(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        axes, choices = [NO_AXIS, *PARAMETERS], sampler_choices()
        return schema(
            node_id="TipoSweep",
            display_name="TIPO Sweep",
            category="TIPO/sampling",
            search_aliases=[
                "xy plot",
                "xyz plot",
                "compare settings",
                "parameter sweep",
                "prompt s/r",
            ],
            is_text_node=True,
            description="Gives one or two parameters a list of values, so that one queued run "
            "draws a picture for each. Connect the outputs to a sampler and a text encoder: they "
            "run once per cell of the grid.",
            inputs=[
                *sampling_inputs(
                    seed=f"Seed {UNLESS_SWEPT}.",
                    steps=f"Denoising steps {UNLESS_SWEPT}.",
                    cfg=f"Classifier-free guidance {UNLESS_SWEPT}.",
                    sampler_name=f"Sampler {UNLESS_SWEPT}.",
                    scheduler=f"Scheduler {UNLESS_SWEPT}.",
                ),
                fraction("denoise", 1.0, f"Denoise {UNLESS_SWEPT}."),
                clip_skip_input(
                    f"Clip skip {UNLESS_SWEPT}: 0 = the model's own default, 1 = last layer, 2 = "
                    "the layer before it."
                ),
                io.Combo.Input(
                    "columns",
                    options=axes,
                    default="cfg",
                    tooltip="Parameter that changes from column to column.",
                ),
                io.String.Input(
                    "column_values",
                    default="4:10:2",
                    tooltip=f"Values of the columns, {VALUES_TOOLTIP}",
                ),
                io.Combo.Input(
                    "rows",
                    options=axes,
                    default=NO_AXIS,
                    tooltip="Parameter that changes from row to row.",
                ),
                io.String.Input(
                    "row_values",
                    default="",
                    tooltip=f"Values of the rows, {VALUES_TOOLTIP}",
                ),
                io.Float.Input(
                    "lora_strength",
                    default=1.0,
                    min=-100.0,
                    max=100.0,
                    step=0.01,
                    optional=True,
                    tooltip=f"Strength of a LoRA {UNLESS_SWEPT}. For the strengths of core's Load "
                    "LoRA.",
                ),
                linked_text(
                    TEXT,
                    "Prompt in which prompt S/R replaces. Used only for the output text.",
                ),
                linked_text(
                    NEGATIVE,
                    "Negative prompt in which prompt S/R replaces too. Used only for the output "
                    "negative_text.",
                ),
            ],
            outputs=[
                _cells(io.Int.Output, "seeds", "seed", "a sampler"),
                _cells(io.Int.Output, "steps_list", "steps", "a sampler"),
                _cells(io.Float.Output, "cfgs", "cfg", "a sampler"),
                _cells(
                    ChoiceOutput,
                    "sampler_names",
                    "sampler_name",
                    "any menu of samplers",
                    options=choices["sampler_name"],
                ),
                _cells(
                    ChoiceOutput,
                    "schedulers",
                    "scheduler",
                    "any menu of schedulers",
                    options=choices["scheduler"],
                ),
                _cells(io.Float.Output, "denoises", "denoise", "a sampler"),
                _cells(io.Int.Output, "clip_skips", "clip_skip", "CLIP Text Encode (Clip Skip)"),
                SweepType.Output(
                    "sweep",
                    display_name="sweep",
                    tooltip="Rows, columns and labels, for TIPO Grid and Load Sweep Models.",
                ),
                report_output("Size of the grid and the values of its axes."),
                _cells(io.Float.Output, "lora_strengths", "lora_strength", "core's Load LoRA"),
                text_output(
                    "texts",
                    "text",
                    "For a text encoder or Load LoRAs from Prompt: one prompt per cell, row by "
                    "row, or one for all cells.",
                    is_list=True,
                ),
                text_output(
                    "negative_texts",
                    "negative_text",
                    "For the text encoder of the negative prompt, as text.",
                    is_list=True,
                ),
            ],
        )

    @classmethod
    def validate_inputs(
        cls,
        columns: str | None = None,
        column_values: str | None = None,
        rows: str | None = None,
        row_values: str | None = None,
        text: str | None = "",
        negative_text: str | None = "",
    ) -> bool:
        """Check the lists of values when the graph is queued, before any node runs.

        Raises ValueError: ComfyUI repeats a problem that is returned for each of these inputs.
        """
        # A linked value is None here, and so is one that is missing, except for the texts; its axis
        # is checked when the node runs.
        if columns is None or column_values is None:
            columns, column_values = NO_AXIS, ""
        if rows is None or row_values is None:
            rows, row_values = NO_AXIS, ""
        choices = sweep_choices(columns, rows)
        base: dict[str, Value] = {
            name: choices[name][0] if name in NAMES else 1 for name in PARAMETERS
        }
        if text is not None and negative_text is not None:
            base |= {TEXT: text, NEGATIVE: negative_text}
        sweep_of(base, columns, column_values, rows, row_values, choices)
        return True

    @classmethod
    def execute(
        cls,
        seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        denoise: float,
        clip_skip: int,
        columns: str,
        column_values: str,
        rows: str,
        row_values: str,
        lora_strength: float = 1.0,
        text: str | None = None,
        negative_text: str | None = None,
    ) -> io.NodeOutput:
        base: dict[str, Value] = {
            "seed": seed,
            "steps": steps,
            "cfg": cfg,
            "sampler_name": sampler_name,
            "scheduler": scheduler,
            "denoise": denoise,
            "clip_skip": clip_skip,
            "lora_strength": lora_strength,
            TEXT: text or "",
            NEGATIVE: negative_text or "",
        }
        sweep, report = sweep_of(
            base, columns, column_values, rows, row_values, sweep_choices(columns, rows)
        )
        # ComfyUI repeats the last value of a shorter list: one value serves all cells.
        *sampling, strengths, texts, negatives = map(sweep.values_of, base)
        return io.NodeOutput(
            *sampling, sweep, report, strengths, texts, negatives, ui=ui.PreviewText(report)
        )


NODES = [TipoSweep]
