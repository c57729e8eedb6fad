"""TIPO Grid: the pictures of a sweep in one picture with labels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from comfy_api.latest import io, ui

from ...tipo_core.pictures.files.graph_links import Graph
from ...tipo_core.pictures.files.swept_values import SWEEP_NODE, unconnected_parameters
from ...tipo_core.pictures.sampling.grid import draw_grid, grid_report
from ...tipo_core.pictures.sampling.grid_layout import BACKGROUNDS, LARGEST_FONT_SIZE, GridStyle
from ...tipo_core.pictures.sampling.sweep import Sweep
from ...tipo_core.report_lines import warning
from ..host_features import schema
from ..inputs import SweepType, report_output


class TipoGrid(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoGrid",
            display_name="TIPO Grid",
            category="TIPO/sampling",
            search_aliases=["xy plot", "xyz plot", "image grid", "contact sheet"],
            advanced=["font_size", "gap", "background"],
            description="Joins the pictures of a TIPO Sweep into one, with labels for its rows and "
            "columns. The pictures keep their size and every pixel while the grid is at most "
            "16383 pixels wide and high.",
            is_input_list=True,
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id],
            inputs=[
                io.Image.Input(
                    "images",
                    tooltip="Pictures drawn with the outputs of the sweep. Several pictures of one "
                    "cell are placed side by side.",
                ),
                SweepType.Input("sweep", tooltip="From TIPO Sweep."),
                io.Int.Input(
                    "font_size",
                    default=GridStyle.font_size,
                    min=0,
                    max=LARGEST_FONT_SIZE,
                    optional=True,
                    tooltip="Font size of the labels in pixels; 0 = chosen by the picture size.",
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
                    tooltip="Background colour of the grid.",
                ),
            ],
            outputs=[
                io.Image.Output("grid", display_name="grid", tooltip="The joined picture."),
                report_output(
                    "Size of the grid, and the values and position (pixels) of each cell."
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
                f"TIPO Grid received {len(sweep)} sweeps and shows one: an input of TIPO Sweep is "
                "linked to a list, so that it ran several times. Link a single value instead."
            )
        (plan,) = sweep
        row_labels = plan.rows.labels if plan.rows else ()
        column_labels = plan.columns.labels if plan.columns else ()
        style = GridStyle(font_size[0], gap[0], background[0])
        grid, layout = draw_grid(images, row_labels, column_labels, style)
        report = grid_report(layout, plan.cell_names, plan.shape[1])
        if unused := _unused(plan, Graph(cls.hidden.prompt), str(cls.hidden.unique_id)):
            report += "\n" + warning(
                f"TIPO Sweep changes {', '.join(unused)}, but no node is connected to this "
                "output, so the pictures do not differ in it: connect it to the node that uses it."
            )
        images_shown = ui.PreviewImage(grid[None], cls=cls).as_dict()
        return io.NodeOutput(grid[None], report, ui=images_shown | ui.PreviewText(report).as_dict())


def _unused(plan: Sweep, graph: Graph, node_id: str) -> list[str]:
    """The parameters that a sweep changes without an effect on the pictures."""
    sweep = graph.linked(graph.node(node_id), "sweep")
    if sweep is None or sweep.class_type != SWEEP_NODE:
        return []
    return unconnected_parameters(plan, graph.is_linked, sweep.node_id)


NODES = [TipoGrid]
