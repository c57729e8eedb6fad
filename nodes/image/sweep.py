"""TIPO Sweep and TIPO Grid: lists of settings that drive the graph, and one picture of the runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import comfy.samplers
import torch
from comfy_api.latest import io, ui

from ...tipo_core.pictures.sampling.grid import draw_grid, grid_report
from ...tipo_core.pictures.sampling.grid_layout import BACKGROUNDS, LARGEST_FONT_SIZE, GridStyle
from ...tipo_core.pictures.sampling.sweep import NO_AXIS, PARAMETERS, Sweep, sweep_of
from ...tipo_core.pictures.sampling.value_lists import value_text
from ..host_features import schema

SweepType = io.Custom("TIPO_SWEEP")

VALUES_TOOLTIP = (
    "with commas between them. Numbers may be ranges start:end:step: 4:12:2 is 4, 6, 8, 10, 12; "
    "12:4:-2 falls; 1:4 counts in ones. Lists and ranges mix: 1, 4:8:2."
)


# ComfyUI's own class of type names, for which "*" is any type.
class ChoiceType(type(io.Combo.io_type)):
    """The type "COMBO" that also is the older form of a menu: the list of its choices.

    ComfyUI compares the types of a link by `!=`. Core's KSampler declares a menu as its list,
    newer nodes as "COMBO"; a value of this type goes to both, and to a list that has other choices.
    """

    choices: list[str]

    def __new__(cls, choices: list[str]) -> ChoiceType:
        self: ChoiceType = super().__new__(cls, io.Combo.io_type)
        self.choices = choices
        return self

    def __ne__(self, other: object) -> bool:
        if isinstance(other, list):
            return not set(self.choices).intersection(map(str, other))
        return bool(super().__ne__(other))


class ChoiceOutput(io.Combo.Output):
    """An output whose values are choices of a menu."""

    @property
    def io_type(self) -> ChoiceType:
        return ChoiceType(self.options)


def sampler_choices() -> dict[str, list[str]]:
    """Return the names that ComfyUI's menus of samplers and schedulers offer."""
    return {
        "sampler_name": comfy.samplers.KSampler.SAMPLERS,
        "scheduler": comfy.samplers.KSampler.SCHEDULERS,
    }


class TipoSweep(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        axes = [NO_AXIS, *PARAMETERS]
        return schema(
            node_id="TipoSweep",
            display_name="TIPO Sweep",
            category="TIPO/sampling",
            search_aliases=["xy plot", "xyz plot", "compare settings", "parameter sweep"],
            is_text_node=True,
            description="Gives one or two sampling parameters a list of values, so that one queue "
            "draws a picture for each. Connect the outputs to a sampler and a text encoder: they "
            "run once for each cell of the grid.",
            inputs=[
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=True,
                    tooltip="Seed of all pictures, unless columns or rows change it.",
                ),
                io.Int.Input(
                    "steps",
                    default=20,
                    min=1,
                    max=10000,
                    tooltip="Denoising steps of all pictures, unless columns or rows change them.",
                ),
                io.Float.Input(
                    "cfg",
                    default=8.0,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    round=0.01,
                    tooltip="Classifier-free guidance of all pictures, unless columns or rows "
                    "change it.",
                ),
                io.Combo.Input(
                    "sampler_name",
                    options=comfy.samplers.KSampler.SAMPLERS,
                    tooltip="Sampler of all pictures, unless columns or rows change it.",
                ),
                io.Combo.Input(
                    "scheduler",
                    options=comfy.samplers.KSampler.SCHEDULERS,
                    tooltip="Scheduler of all pictures, unless columns or rows change it.",
                ),
                io.Float.Input(
                    "denoise",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Denoise of all pictures, unless columns or rows change it.",
                ),
                io.Int.Input(
                    "clip_skip",
                    default=0,
                    min=-24,
                    max=24,
                    tooltip="Clip skip of all pictures, unless columns or rows change it: 0 = the "
                    "model's own default, 1 = last layer, 2 = the one before it.",
                ),
                io.Combo.Input(
                    "columns",
                    options=axes,
                    default="cfg",
                    tooltip="What changes from column to column.",
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
                    tooltip="What changes from row to row.",
                ),
                io.String.Input(
                    "row_values",
                    default="",
                    tooltip=f"Values of the rows, {VALUES_TOOLTIP}",
                ),
            ],
            outputs=[
                io.Int.Output(
                    "seeds",
                    display_name="seed",
                    is_output_list=True,
                    tooltip="For a sampler: a seed for each cell, row by row, or one for all.",
                ),
                io.Int.Output(
                    "steps_list",
                    display_name="steps",
                    is_output_list=True,
                    tooltip="For a sampler: the steps of each cell, or one value for all.",
                ),
                io.Float.Output(
                    "cfgs",
                    display_name="cfg",
                    is_output_list=True,
                    tooltip="For a sampler: the cfg of each cell, or one for all.",
                ),
                ChoiceOutput(
                    "sampler_names",
                    display_name="sampler_name",
                    options=comfy.samplers.KSampler.SAMPLERS,
                    is_output_list=True,
                    tooltip="For any menu of samplers: one for each cell, or one for all.",
                ),
                ChoiceOutput(
                    "schedulers",
                    display_name="scheduler",
                    options=comfy.samplers.KSampler.SCHEDULERS,
                    is_output_list=True,
                    tooltip="For any menu of schedulers: one for each cell, or one for all.",
                ),
                io.Float.Output(
                    "denoises",
                    display_name="denoise",
                    is_output_list=True,
                    tooltip="For a sampler: the denoise of each cell, or one for all.",
                ),
                io.Int.Output(
                    "clip_skips",
                    display_name="clip_skip",
                    is_output_list=True,
                    tooltip="For CLIP Text Encode (Clip Skip): one for each cell, or one for all.",
                ),
                SweepType.Output(
                    "sweep",
                    display_name="sweep",
                    tooltip="Rows, columns and labels, for TIPO Grid.",
                ),
                io.String.Output(
                    "report", display_name="report", tooltip="What is drawn: the size and the axes."
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
    ) -> bool | str:
        """Check the lists when the graph is queued: a mistake costs no time then."""
        axes = []
        for menu, values in ((columns, column_values), (rows, row_values)):
            # A linked value, or one that is missing, is None here. An axis that is not known yet is
            # checked when the node runs.
            is_known = isinstance(menu, str) and isinstance(values, str)
            axes += [menu, values] if is_known else [NO_AXIS, ""]
        choices = sampler_choices()
        base = dict.fromkeys(PARAMETERS, 1) | {name: some[0] for name, some in choices.items()}
        try:
            sweep_of(base, *axes, choices)
        except ValueError as error:
            return str(error)
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
    ) -> io.NodeOutput:
        base = {
            "seed": seed,
            "steps": steps,
            "cfg": cfg,
            "sampler_name": sampler_name,
            "scheduler": scheduler,
            "denoise": denoise,
            "clip_skip": clip_skip,
        }
        sweep, report = sweep_of(base, columns, column_values, rows, row_values, sampler_choices())
        # A list that is shorter than others repeats its last value: one value serves all cells.
        lists = [sweep.values_of(parameter) for parameter in base]
        return io.NodeOutput(*lists, sweep, report, ui=ui.PreviewText(report))


def cell_name(cell: dict[str, Any]) -> str:
    """Return what changes in a cell: "cfg 4, denoise 0.5"."""
    return ", ".join(f"{name} {value_text(value)}" for name, value in cell.items()) or "as set"


class TipoGrid(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoGrid",
            display_name="TIPO Grid",
            category="TIPO/sampling",
            search_aliases=["xy plot", "xyz plot", "image grid", "contact sheet"],
            advanced=["font_size", "gap", "background"],
            description="Puts the pictures of a TIPO Sweep into one, with labels for its rows and "
            "columns. The pictures keep their size and every pixel, as long as the grid stays "
            "within 16383 pixels a side.",
            is_input_list=True,
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
            inputs=[
                io.Image.Input(
                    "images",
                    tooltip="The pictures drawn with the outputs of the sweep. Several from one "
                    "cell lie side by side.",
                ),
                SweepType.Input("sweep", tooltip="From TIPO Sweep."),
                io.Int.Input(
                    "font_size",
                    default=GridStyle.font_size,
                    min=0,
                    max=LARGEST_FONT_SIZE,
                    optional=True,
                    tooltip="Font size of the labels in pixels; 0 = by the pictures' size.",
                ),
                io.Int.Input(
                    "gap",
                    default=GridStyle.gap,
                    min=0,
                    max=256,
                    optional=True,
                    tooltip="Pixels between and around the pictures.",
                ),
                io.Combo.Input(
                    "background",
                    options=list(BACKGROUNDS),
                    default=GridStyle.background,
                    optional=True,
                    tooltip="Colour behind pictures and labels.",
                ),
            ],
            outputs=[
                io.Image.Output("grid", display_name="grid", tooltip="One picture of all."),
                io.String.Output(
                    "report",
                    display_name="report",
                    tooltip="Size of the grid, and for each cell its values and its place in "
                    "pixels.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        images: list[torch.Tensor],
        sweep: list[Sweep],
        font_size: Sequence[int] = (GridStyle.font_size,),
        gap: Sequence[int] = (GridStyle.gap,),
        background: Sequence[str] = (GridStyle.background,),
    ) -> io.NodeOutput:
        if len(sweep) != 1:
            raise ValueError(
                f"{len(sweep)} sweeps arrive, a grid shows one: TIPO Sweep ran several times, "
                "because one of its own inputs is linked to a list"
            )
        (plan,) = sweep
        row_labels = plan.rows.labels if plan.rows else ()
        column_labels = plan.columns.labels if plan.columns else ()
        style = GridStyle(font_size[0], gap[0], background[0])
        grid, layout = draw_grid(images, row_labels, column_labels, style)
        report = grid_report(layout, [cell_name(cell) for cell in plan.cells], plan.shape[1])
        images_shown = ui.PreviewImage(grid[None], cls=cls).as_dict()
        return io.NodeOutput(grid[None], report, ui=images_shown | ui.PreviewText(report).as_dict())


NODES = [TipoSweep, TipoGrid]
